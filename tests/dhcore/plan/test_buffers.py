from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dhcore._plan.buffers import ALIGNMENT, Buffer, Step, allocate, place


def nothing() -> None:
    return None


def step(reads: list[Buffer], writes: list[Buffer]) -> Step:
    return Step("step", tuple(reads), tuple(writes), lambda: nothing)


@st.composite
def programs(draw: st.DrawFn) -> list[Step]:
    """Steps over some buffers; each reads and writes any of them."""
    buffers = [
        Buffer(f"b{i}", draw(st.integers(1, 500)), pinned=draw(st.booleans())) for i in range(8)
    ]
    picks = st.lists(st.sampled_from(buffers), max_size=3, unique=True)
    return [step(draw(picks), draw(picks)) for _ in range(draw(st.integers(1, 12)))]


def spans(steps: list[Step]) -> dict[str, tuple[int, int, int, int]]:
    """First and last step, first and last byte of every buffer."""
    found: dict[str, tuple[int, int, int, int]] = {}
    for index, each in enumerate(steps):
        for buffer in (*each.reads, *each.writes):
            first = found.get(buffer.name, (index,))[0]
            life = (-1, len(steps)) if buffer.pinned else (first, index)
            found[buffer.name] = (*life, buffer.address, buffer.address + buffer.size)
    return found


@given(programs())
def test_buffers_that_live_together_share_no_byte(steps: list[Step]) -> None:
    place(steps)
    members = list(spans(steps).values())
    for i, (first, last, start, stop) in enumerate(members):
        for first2, last2, start2, stop2 in members[i + 1 :]:
            lives_together = first <= last2 and first2 <= last
            assert not (lives_together and start < stop2 and start2 < stop)


@given(programs())
def test_every_buffer_is_aligned(steps: list[Step]) -> None:
    place(steps)
    assert all(start % ALIGNMENT == 0 for _, _, start, _ in spans(steps).values())


def test_a_chain_needs_the_memory_of_two_links() -> None:
    links = [Buffer(f"b{i}", 1024) for i in range(10)]
    steps = [step([links[i]], [links[i + 1]]) for i in range(9)]
    assert place(steps).nbytes == 2 * 1024


def test_memory_that_has_a_place_already_keeps_it() -> None:
    given_memory = allocate(64)
    state, other = Buffer("state", 64, given_memory), Buffer("other", 64)
    place([step([state], [other])])
    assert state.memory is given_memory
    assert other.memory is not None

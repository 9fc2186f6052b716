"""Any program of tasks gives what plain Python gives: random programs, random interleavings."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dhtask
from dhtask import (
    COLLECTION_INOUT,
    COLLECTION_OUT,
    COMMUTATIVE,
    FILE_IN,
    FILE_INOUT,
    FILE_OUT,
    INOUT,
    OUT,
    wait_on,
)
from dhtask.testing import FakeExecutor

#: Number of objects, futures and files that a program works with.
WIDTH = 3

Step = tuple[str, int, int, int]


@dhtask.task
def mix(a: list[int], b: list[int]) -> list[int]:
    return [sum(a) % 97, len(b)]


@dhtask.task(a=INOUT)
def push(a: list[int], value: Any) -> None:
    a.append(value if isinstance(value, int) else sum(value) % 97)


@dhtask.task(a=INOUT, b=INOUT)
def exchange(a: list[int], b: list[int]) -> None:
    a[:], b[:] = list(b), list(a)


@dhtask.task(a=OUT)
def reset(a: list[int], value: int) -> None:
    a[:] = [value]


@dhtask.task(a=COMMUTATIVE)
def count(a: list[int], value: int) -> None:
    if not a:
        a.append(0)
    a[0] += value


@dhtask.task(returns=2)
def split(a: list[int]) -> Any:
    return a[::2], a[1::2]


@dhtask.task(items=COLLECTION_INOUT)
def rotate(items: list[list[int]]) -> None:
    """Changes the elements; what is put into the list in their place is the matter of `refill`."""
    items[0].append(len(items[-1]))
    items[-1].append(5)


@dhtask.task(items=COLLECTION_OUT)
def refill(items: list[Any], value: int) -> None:
    for index in range(len(items)):
        items[index] = [value, index]


@dhtask.task(path=FILE_INOUT)
def note(path: str, a: list[int]) -> None:
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{a}\n")


@dhtask.task(path=FILE_OUT)
def renew(path: str, value: int) -> None:
    Path(path).write_text(str(value), encoding="utf-8")


@dhtask.task(path=FILE_IN)
def measure(path: str) -> list[int]:
    return [len(Path(path).read_text(encoding="utf-8"))]


class State:
    """What a program works with: lists, values that tasks returned, files."""

    def __init__(self, folder: Path) -> None:
        self.lists: list[Any] = [[n] for n in range(WIDTH)]
        self.values: list[Any] = [[10 + n] for n in range(WIDTH)]
        self.paths = [str(folder / f"{n}.txt") for n in range(WIDTH)]
        for path in self.paths:
            Path(path).write_text("", encoding="utf-8")


def _split(state: State, i: int, j: int, k: int) -> None:
    left, right = split(state.lists[i])
    state.values[j], state.values[k] = left, right


def _refill(state: State, i: int, j: int, k: int) -> None:
    made: list[Any] = [None, None]
    refill(made, k)
    state.values[i] = made[0]
    state.values[j] = made[1]


def _set(
    name: str, values: Callable[[State, int, int, int], Any]
) -> Callable[[State, int, int, int], None]:
    def step(state: State, i: int, j: int, k: int) -> None:
        getattr(state, name)[i] = values(state, i, j, k)

    return step


STEPS: dict[str, Callable[[State, int, int, int], Any]] = {
    "mix": _set("values", lambda s, _i, j, k: mix(s.lists[j], s.values[k])),
    "mix twice": _set("values", lambda s, _i, j, _k: mix(s.lists[j], s.lists[j])),
    "push": lambda s, i, j, _k: push(s.lists[i], s.values[j]),
    "push number": lambda s, i, j, _k: push(s.values[i], j),
    "exchange": lambda s, i, j, _k: exchange(s.lists[i], s.values[j]),
    "reset": lambda s, i, _j, k: reset(s.lists[i], k),
    "count": lambda s, i, _j, k: count(s.lists[i], k),
    "split": _split,
    "rotate": lambda s, i, j, _k: rotate([s.lists[i], s.values[j]]),
    "rotate twins": lambda s, i, _j, k: rotate([s.lists[i], s.lists[k], s.lists[i], s.values[k]]),
    "refill": _refill,
    "note": lambda s, i, j, _k: note(s.paths[i], s.values[j]),
    "renew": lambda s, i, _j, k: renew(s.paths[i], k),
    "measure": _set("values", lambda s, _i, j, _k: measure(s.paths[j])),
    "nested": _set("values", lambda s, _i, j, k: wait_nested(s, j, k)),
    "wait on list": lambda s, i, _j, _k: wait_on(s.lists[i]),
    "change after wait": lambda s, i, _j, k: wait_on(s.lists[i]).append(k),
    "wait on value": lambda s, i, _j, _k: s.values.__setitem__(i, wait_on(s.values[i])),
    "write file": lambda s, i, _j, k: _write(s.paths[i], k),
    "barrier": lambda _s, _i, _j, _k: dhtask.barrier(),
}


@dhtask.task
def flatten(tree: dict[str, Any]) -> list[int]:
    return [*tree["a"][0], *tree["b"][1]]


def wait_nested(state: State, j: int, k: int) -> Any:
    return flatten({"a": (state.lists[j], 1), "b": [0, state.values[k]]})


def _write(path: str, value: int) -> None:
    with dhtask.open_file(path, "a") as file:
        file.write(str(value))


def outcome(program: list[Step]) -> Any:
    """Run a program and tell what there is at its end."""
    with tempfile.TemporaryDirectory() as folder:
        state = State(Path(folder))
        for name, i, j, k in program:
            STEPS[name](state, i, j, k)
        dhtask.wait_on_file(*state.paths)
        files = [Path(path).read_text(encoding="utf-8") for path in state.paths]
        return wait_on(state.lists), wait_on(state.values), files


NUMBERS = st.integers(0, WIDTH - 1)
PROGRAMS = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), NUMBERS, NUMBERS, NUMBERS), max_size=14
)
COMMON = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)


@given(PROGRAMS)
@settings(COMMON, max_examples=150)
def test_inline_gives_what_plain_python_gives(program: list[Step]) -> None:
    expected = outcome(program)
    with dhtask.Runtime(executor="inline", validate=True):
        assert outcome(program) == expected


@given(PROGRAMS, st.integers(0, 1000), st.integers(1, 5))
@settings(COMMON, max_examples=200)
def test_every_interleaving_gives_what_plain_python_gives(
    program: list[Step], seed: int, max_in_flight: int
) -> None:
    expected = outcome(program)
    fake = FakeExecutor(seed)
    with dhtask.Runtime(executor=fake, validate=True, max_in_flight=max_in_flight):
        assert outcome(program) == expected


@pytest.mark.slow
@given(program=PROGRAMS)
@settings(COMMON, max_examples=12)
def test_dask_gives_what_plain_python_gives(cluster: str, program: list[Step]) -> None:
    expected = outcome(program)
    with dhtask.Runtime(cluster=cluster, validate=True):
        assert outcome(program) == expected

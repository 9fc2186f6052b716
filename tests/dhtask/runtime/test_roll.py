"""What a barrier is told to have waited for."""

from __future__ import annotations

from dhtask._runtime.roll import Roll


def roll() -> Roll:
    made = Roll()
    made.add(1, (), ("g",))
    made.add(2, (1,), ())
    made.add(3, (2,), ("g", "h"))
    made.add(4, (), ())
    return made


def test_a_barrier_waits_for_all_or_for_those_of_its_group() -> None:
    assert roll().members(None) == (1, 2, 3, 4)
    assert roll().members("g") == (1, 3)
    assert roll().members("other") == ()


def test_whoever_waits_for_a_task_waits_for_what_it_reads() -> None:
    made = roll()
    made.strike([3])
    assert made.members(None) == (4,)
    assert len(made) == 1


def test_a_task_is_struck_once() -> None:
    made = roll()
    made.strike([2])
    made.strike([2, 3])
    assert made.members(None) == (4,)

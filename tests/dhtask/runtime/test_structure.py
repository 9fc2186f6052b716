"""Containers are looked into, and made anew only where something changes."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

from dhtask._runtime.structure import leaves, replace_leaves

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Box:
    content: Any
    label: str


def plus_one(value: Any) -> Any:
    return value + 1 if isinstance(value, int) else value


def test_leaves_are_replaced_wherever_they_are() -> None:
    before = [1, (2, "a"), {"k": [3], 4: 5}, Point(6, "b"), Box([7], "c")]
    after = replace_leaves(before, plus_one)
    assert after == [2, (3, "a"), {"k": [4], 5: 6}, Point(7, "b"), Box([8], "c")]
    assert before[0] == 1


def test_what_does_not_change_is_kept() -> None:
    box, pair = Box(["x"], "c"), ("a", "b")
    after = replace_leaves([box, pair], plus_one)
    assert after[0] is box
    assert after[1] is pair


def test_a_container_that_contains_itself_stays_that_way() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    after = replace_leaves(loop, plus_one)
    assert after[0] == 2
    assert after[1] is after
    assert len(list(leaves(loop))) == 2


def test_lists_can_be_kept_and_not_looked_into() -> None:
    kept, closed = [1], [2]
    after = replace_leaves(
        [kept, closed],
        plus_one,
        descend=lambda value: value is not closed,
        keep=lambda value: value is kept,
    )
    assert after[0] is kept
    assert kept == [2]
    assert after[1] is closed
    assert closed == [2]

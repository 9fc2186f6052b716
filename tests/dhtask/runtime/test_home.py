"""Content comes home into the object that the program holds."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest

from dhtask._runtime.home import put_into


class Plain:
    def __init__(self, **values: Any) -> None:
        vars(self).update(values)


class Slotted:
    __slots__ = ("a", "b")


class Named(dict[str, int]):
    name = "none"


@pytest.mark.parametrize(
    ("target", "content"),
    [
        ([1, 2], [3]),
        ({"a": 1}, {"b": 2}),
        ({1}, {2, 3}),
        (bytearray(b"ab"), bytearray(b"c")),
        (deque([1]), deque([2, 3])),
    ],
)
def test_containers_take_over_the_content(target: Any, content: Any) -> None:
    assert put_into(target, content) is target
    assert target == content


def test_arrays_take_over_what_fits() -> None:
    target = np.zeros(3)
    assert put_into(target, np.ones(3)) is target
    assert target.tolist() == [1, 1, 1]
    for other in (np.ones(4), np.ones(3, dtype="f4")):
        assert put_into(target, other) is other


def test_instances_take_over_all_attributes() -> None:
    target = Plain(a=1, old=2)
    assert put_into(target, Plain(a=5, new=6)) is target
    assert vars(target) == {"a": 5, "new": 6}
    slotted, content = Slotted(), Slotted()
    slotted.a, content.b = 1, 2
    assert put_into(slotted, content) is slotted
    assert (hasattr(slotted, "a"), slotted.b) == (False, 2)
    named, other = Named(x=1), Named(y=2)
    other.name = "other"
    assert put_into(named, other) is named
    assert (named, named.name) == ({"y": 2}, "other")


def test_what_cannot_be_changed_is_replaced() -> None:
    for target, content in ((object(), object()), ([1], (1,)), (3, 4)):
        assert put_into(target, content) is content

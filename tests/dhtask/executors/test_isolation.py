"""Nothing that a task gets or gives is shared with what others see."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dhtask._executors.isolation import Loans, copy_value


def lend_and_detach(values: list[Any], body: Any, *, may_change: bool = False) -> list[Any]:
    """Lend values, run a body on them, detach what it gives."""
    loans = Loans()
    lent = [loans.lend(v, may_change=may_change, is_exclusive=may_change) for v in values]
    loans.begin()
    outputs = list(body(*lent))
    del lent
    loans.detach(outputs, frozenset())
    return outputs


def shares(one: Any, other: Any) -> bool:
    return np.shares_memory(one, other)


def test_arrays_are_lent_as_read_only_views_wherever_they_are() -> None:
    array = np.zeros(3)
    lent = Loans().lend([array, {"a": (array,)}], may_change=False, is_exclusive=False)
    for view in (lent[0], lent[1]["a"][0]):
        assert shares(view, array)
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1
    assert array.flags.writeable


def test_containers_are_rebuilt_and_other_objects_copied() -> None:
    inner = [1]
    value = {"a": inner, "b": bytearray(b"x")}
    lent = Loans().lend(value, may_change=False, is_exclusive=False)
    lent["a"].append(2)
    lent["b"].append(3)
    lent["c"] = 1
    assert value == {"a": [1], "b": bytearray(b"x")}


def test_what_may_change_is_the_object_itself_only_when_nobody_else_sees_it() -> None:
    value = [1]
    assert Loans().lend(value, may_change=True, is_exclusive=True) is value
    assert Loans().lend(value, may_change=True, is_exclusive=False) is not value


def test_a_read_only_array_is_made_writable_before_it_is_changed() -> None:
    array = np.zeros(2)
    array.flags.writeable = False
    nested = [array, {"k": array}]
    assert Loans().lend(array, may_change=True, is_exclusive=True).flags.writeable
    lent = Loans().lend(nested, may_change=True, is_exclusive=True)
    assert lent[0].flags.writeable
    assert lent[1]["k"].flags.writeable


def test_a_fresh_result_is_not_copied() -> None:
    source = np.ones(4)
    made = []

    def body(x: np.ndarray) -> list[Any]:
        made.append(x + 1)
        return [made.pop()]

    (result,) = lend_and_detach([source], body)
    assert result.tolist() == [2, 2, 2, 2]
    result[0] = 5


@pytest.mark.parametrize(
    "body",
    [
        lambda x: [x],
        lambda x: [x[1:]],
        lambda x: [[x]],
        lambda x: [{"k": (x.reshape(2, 2),)}],
        lambda x: [x, x + 1],
    ],
)
def test_a_result_that_is_part_of_an_input_is_copied(body: Any) -> None:
    source = np.arange(4.0)
    for output in lend_and_detach([source], body):
        parts = [output]
        while not isinstance(parts[0], np.ndarray):
            parts = list(parts[0].values() if isinstance(parts[0], dict) else parts[0])
        assert not shares(parts[0], source)
        assert parts[0].flags.writeable


def test_two_results_that_are_one_object_become_two() -> None:
    one, other = lend_and_detach([], lambda: [[np.zeros(2)]] * 2)
    assert one is not other
    assert not shares(one[0], other[0])


def test_a_part_of_what_is_changed_in_place_is_copied() -> None:
    source = [np.zeros(3), np.ones(3)]
    (part,) = lend_and_detach([source], lambda x: [x[1]], may_change=True)
    assert not shares(part, source[1])


def test_copies_share_nothing() -> None:
    class Stubborn:
        def __init__(self) -> None:
            self.items = [1]

        def __deepcopy__(self, memo: object) -> Any:
            raise TypeError("no")

    stubborn = Stubborn()
    copied = copy_value(stubborn)
    copied.items.append(2)
    assert stubborn.items == [1]

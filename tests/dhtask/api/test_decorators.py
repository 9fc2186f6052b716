"""What the decorators make of functions, and what they refuse."""

# ruff: noqa: ANN001, ANN201, ANN202 - functions without annotations are part of what is tested

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import dhtask
from dhtask import COLLECTION_OUT, INOUT, FailurePolicy
from dhtask.errors import ConstraintError, TaskDefinitionError


def documented(x: int, *, scale: float = 2.0) -> float:
    """Scale a number."""
    return x * scale


decorated = dhtask.task(documented)


@dhtask.task
def importable(x: int) -> int:
    return x


def test_a_task_keeps_name_docstring_signature_and_annotations() -> None:
    assert decorated.__name__ == "documented"
    assert decorated.__doc__ == "Scale a number."
    assert inspect.signature(decorated) == inspect.signature(documented)
    assert inspect.unwrap(decorated) is documented
    assert repr(decorated) == f"<task {__name__}.documented>"


def test_without_a_runtime_a_call_is_the_function() -> None:
    assert decorated(3, scale=1.5) == 4.5
    assert importable(2, returns=5) == 2


def test_a_task_of_a_module_pickles_by_name() -> None:
    assert pickle.loads(pickle.dumps(importable)) is importable


def returns_of(function: Callable[..., Any], **options: Any) -> tuple[int, bool]:
    spec = dhtask.task(**options)(function).spec
    return spec.returns, spec.returns_list


def nothing(x):
    x.append(1)
    if x:
        return
    return


def something(x):
    def inner():
        return 3

    if x:
        return inner
    return None


def only_inside(x):
    def inner():
        return 3

    inner()


def annotated_none() -> None:
    pass


def annotated_pair() -> tuple[int, str]:
    return 1, ""


def annotated_many() -> tuple[int, ...]:
    return 1, 2


def annotated_unknown() -> Unknown:  # noqa: F821 - as a program may have it
    return 1


def annotated_unknown_pair(x: Unknown) -> tuple[Unknown, int]:  # noqa: F821 - as above
    return x, 1


def annotated_unknown_many() -> tuple[Unknown, ...]:  # noqa: F821 - as above
    return ()


def annotated_as_pycompss_does() -> (int, str):  # type: ignore[syntax]  # what is tested
    return 1, ""


class Grower:
    """Has a task method that gives an object of the class, which is not there yet when it is decorated."""

    @dhtask.task
    def grow(self) -> Grower:
        return self

    @dhtask.task
    @staticmethod
    def make() -> Grower:
        return Grower()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (nothing, (0, False)),
        (something, (1, False)),
        (only_inside, (0, False)),
        (lambda x: x, (1, False)),
        (len, (1, False)),
        (annotated_none, (0, False)),
        (annotated_pair, (2, True)),
        (annotated_many, (1, False)),
        (annotated_unknown, (1, False)),
        (annotated_unknown_pair, (2, True)),
        (annotated_unknown_many, (1, False)),
        (annotated_as_pycompss_does, (2, True)),
    ],
)
def test_the_number_of_returned_values_is_inferred(
    function: Callable[..., Any], expected: tuple[int, bool]
) -> None:
    assert returns_of(function) == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (0, (0, False)),
        (1, (1, False)),
        (3, (3, True)),
        ("2", (2, True)),
        (int, (1, False)),
        (list[int], (1, False)),
        ((int, str), (2, True)),
        ((int,), (1, False)),
    ],
)
def test_the_number_of_returned_values_can_be_declared(
    declared: object, expected: tuple[int, bool]
) -> None:
    assert returns_of(something, returns=declared) == expected


@pytest.mark.parametrize("declared", [-1, True, "x", (), 1.5])
def test_other_declarations_of_returned_values_are_refused(declared: object) -> None:
    with pytest.raises(TaskDefinitionError, match="returns must be"):
        returns_of(something, returns=declared)


def test_directions_must_name_parameters() -> None:
    with pytest.raises(
        TaskDefinitionError, match=r"documented has no parameter 'y'; it has x, scale"
    ):
        dhtask.task(y=INOUT)(documented)


def test_directions_must_be_directions() -> None:
    with pytest.raises(TaskDefinitionError, match=r"direction of 'x' must be one such as"):
        dhtask.task(x="INOUT")(documented)
    with pytest.raises(TaskDefinitionError, match="target_direction must be a direction"):
        dhtask.task(target_direction="IN")(documented)


def test_only_functions_can_be_tasks() -> None:
    for thing in (3, int):
        with pytest.raises(TaskDefinitionError, match="goes on a function"):
            dhtask.task(thing)


def test_failure_policies() -> None:
    def policy(**options: Any) -> FailurePolicy:
        return dhtask.task(**options)(documented).spec.failure

    assert policy() == FailurePolicy("FAIL")
    assert policy(on_failure="RETRY", attempts=5) == FailurePolicy("RETRY", 5)
    assert policy(on_failure=FailurePolicy("RETRY", 2, "IGNORE")).then == "IGNORE"
    with pytest.raises(TaskDefinitionError, match="FAIL, RETRY, IGNORE, CANCEL_SUCCESSORS"):
        policy(on_failure="SHRUG")
    with pytest.raises(TaskDefinitionError, match="attempts"):
        policy(on_failure="RETRY", attempts=0)


def test_on_failure_and_constraint_go_above_or_below_task() -> None:
    above = dhtask.constraint(computing_units=2)(
        dhtask.on_failure("IGNORE", returns=7)(dhtask.task(documented))
    )
    below = dhtask.task(
        dhtask.constraint(computing_units=2)(dhtask.on_failure("IGNORE", returns=7)(lambda x: x))
    )
    for made in (above, below):
        assert made.spec.constraint.computing_units == 2
        assert made.spec.failure.kind == "IGNORE"
        assert made.spec.defaults == {"returns": 7}


def test_defaults_must_be_for_outputs() -> None:
    with pytest.raises(TaskDefinitionError, match="default for 'y'"):
        dhtask.on_failure("IGNORE", y=1)(dhtask.task(documented))


def test_a_constraint_must_be_positive() -> None:
    with pytest.raises(ConstraintError, match="computing_units must be at least 1"):
        dhtask.constraint(computing_units=0)


def test_the_depth_of_a_collection_is_part_of_its_direction() -> None:
    spec = dhtask.task(x=COLLECTION_OUT(depth=2))(documented).spec
    assert spec.plan.positional[0].depth == 2
    assert not spec.plan.is_input_only


def test_a_bound_task_is_like_a_bound_method() -> None:
    class Thing:
        @dhtask.task
        def method(self, x: int) -> int:
            """Say it."""
            return x

    thing = Thing()
    assert thing.method == thing.method
    assert hash(thing.method) == hash(thing.method)
    assert thing.method != Thing().method
    assert (thing.method.__name__, thing.method.__doc__) == ("method", "Say it.")
    assert thing.method.__self__ is thing
    assert Thing.method(thing, 3) == thing.method(3) == 3


def test_an_annotation_may_name_a_class_that_comes_later() -> None:
    with dhtask.Runtime(executor="inline"):
        grown = Grower.make().grow()  # type: ignore[attr-defined]  # futures bind task methods
        assert isinstance(dhtask.wait_on(grown), Grower)

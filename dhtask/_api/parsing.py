"""From a decorated function and its keywords to a `TaskSpec`, or to an error that says what is wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args

from dhtask._model.constraint import NO_CONSTRAINT, Constraint
from dhtask._model.direction import Parameter
from dhtask._model.failure import FailureKind, FailurePolicy
from dhtask._runtime.specification import Binding, TaskSpec, call_plan, read_returns
from dhtask.errors import TaskDefinitionError


def parse_task(
    decorated: Any,
    *,
    returns: object,
    priority: int,
    target: Parameter,
    on_failure: str | FailurePolicy | None,
    attempts: int | None,
    constraint: Constraint | None,
    defaults: Mapping[str, Any],
    directions: Mapping[str, Parameter],
) -> TaskSpec:
    """Read everything that can be known of a task before its first call."""
    function, binding = _unwrap(decorated)
    signature = inspect.signature(function)
    _check_directions(function, signature, directions)
    check_defaults(function, signature, defaults)
    if not isinstance(target, Parameter):
        raise TaskDefinitionError(
            f"task {function.__qualname__}: target_direction must be a direction such as "
            f"dhtask.IN or dhtask.INOUT, but {target!r} was given"
        )
    form = read_returns(returns, function)
    is_method = _looks_like_method(function, signature, binding)
    return TaskSpec(
        function=function,
        binding=binding,
        name=function.__qualname__.replace("<locals>.", ""),
        module=function.__module__,
        signature=signature,
        plan=call_plan(signature, directions, target if is_method else None),
        method_plan=call_plan(signature, directions, target),
        returns=form.count,
        returns_list=form.is_list,
        result=form.result,
        priority=priority,
        failure=read_failure(on_failure, attempts, function.__qualname__),
        constraint=constraint or NO_CONSTRAINT,
        defaults=defaults,
    )


def read_failure(
    on_failure: str | FailurePolicy | None, attempts: int | None, name: str
) -> FailurePolicy:
    """Turn the name of a policy, or a whole one, into a policy."""
    if isinstance(on_failure, FailurePolicy):
        return on_failure
    for kind in get_args(FailureKind):
        if kind == (on_failure or "FAIL"):
            return FailurePolicy(kind) if attempts is None else FailurePolicy(kind, attempts)
    raise TaskDefinitionError(
        f"task {name}: on_failure must be one of {', '.join(get_args(FailureKind))}, "
        f"but {on_failure!r} was given"
    )


def check_defaults(
    function: Callable[..., Any], signature: inspect.Signature, defaults: Mapping[str, Any]
) -> None:
    """Refuse the default of an output that the task does not have."""
    for name in defaults:
        if name != "returns" and name not in signature.parameters:
            raise TaskDefinitionError(
                f"task {function.__qualname__}: a default for {name!r} was given, but the outputs with a "
                f"default are 'returns' and the parameters {', '.join(signature.parameters) or '(none)'}"
            )


def _unwrap(decorated: Any) -> tuple[Callable[..., Any], Binding]:
    if isinstance(decorated, classmethod):
        return decorated.__func__, "class"
    if isinstance(decorated, staticmethod):
        return decorated.__func__, "static"
    if (
        not callable(decorated)
        or isinstance(decorated, type)
        or getattr(decorated, "__qualname__", None) is None
    ):
        raise TaskDefinitionError(
            f"@task goes on a function or a method, but {decorated!r} was given; options need names: @task(returns=1)"
        )
    return decorated, "plain"


def _looks_like_method(
    function: Callable[..., Any], signature: inspect.Signature, binding: Binding
) -> bool:
    first = next(iter(signature.parameters), None)
    return binding == "plain" and first == "self" and "." in function.__qualname__


def _check_directions(
    function: Callable[..., Any], signature: inspect.Signature, directions: Mapping[str, Parameter]
) -> None:
    known = signature.parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in known.values())
    for name, direction in directions.items():
        if not isinstance(direction, Parameter):
            raise TaskDefinitionError(
                f"task {function.__qualname__}: the direction of {name!r} must be one such as dhtask.IN "
                f"or dhtask.FILE_OUT, but {direction!r} was given"
            )
        if name not in known and not takes_any:
            raise TaskDefinitionError(
                f"task {function.__qualname__} has no parameter {name!r}; "
                f"it has {', '.join(known) or 'none'}"
            )

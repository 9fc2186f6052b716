"""What is known of a task before it is called: parsed once at decoration, applied at every call."""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args, get_origin

from dhtask._model.constraint import Constraint
from dhtask._model.direction import IN, Kind, Parameter
from dhtask._model.failure import FailurePolicy
from dhtask.errors import TaskDefinitionError

#: How a function was written: plain, under ``@classmethod``, or under ``@staticmethod``.
Binding = Literal["plain", "class", "static"]

POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class CallPlan:
    """Which direction each argument of a call has, without asking ``inspect`` at the call."""

    #: Directions of the positional parameters, in order.
    positional: tuple[Parameter, ...]
    #: Names of the positional parameters, in order.
    names: tuple[str, ...]
    #: Positional parameters without a default.
    required: int
    #: Direction of ``*args`` elements, None when the function takes none.
    variadic: Parameter | None
    #: Directions by name, for keyword arguments.
    keywords: Mapping[str, Parameter]
    #: Direction of ``**kwargs`` values, None when the function takes none.
    keyword_variadic: Parameter | None
    #: Whether positional arguments alone can make a complete call.
    is_plain: bool
    #: Whether every parameter is IN.
    is_input_only: bool


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One decorated function."""

    function: Callable[..., Any]
    binding: Binding
    #: Qualified name, without the module.
    name: str
    module: str
    signature: inspect.Signature
    plan: CallPlan
    #: The same for a call as an instance method.
    method_plan: CallPlan
    #: Number of returned values that get a future each.
    returns: int
    #: Whether a call gives a list of futures rather than one.
    returns_list: bool
    #: Class of the single returned value where it is known: its task methods can be called on the future.
    result_class: type | None
    priority: int
    failure: FailurePolicy
    constraint: Constraint
    #: Values that outputs get when a failure is ignored: ``returns`` or the name of a parameter.
    defaults: Mapping[str, Any] = field(default_factory=dict)


def call_plan(
    signature: inspect.Signature, directions: Mapping[str, Parameter], target: Parameter | None
) -> CallPlan:
    """Lay out the directions of a signature; ``target`` is that of the first parameter of a method."""
    parameters = list(signature.parameters.values())
    chosen = {p.name: directions.get(p.name, IN) for p in parameters}
    positional = [p for p in parameters if p.kind in POSITIONAL]
    if target is not None and positional and positional[0].name not in directions:
        chosen[positional[0].name] = target
    variadic = [p for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL]
    keyword_variadic = [p for p in parameters if p.kind is inspect.Parameter.VAR_KEYWORD]
    keyword_only = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    named = [
        p for p in [*positional, *keyword_only] if p.kind is not inspect.Parameter.POSITIONAL_ONLY
    ]
    empty = inspect.Parameter.empty
    return CallPlan(
        positional=tuple(chosen[p.name] for p in positional),
        names=tuple(p.name for p in positional),
        required=sum(p.default is empty for p in positional),
        variadic=chosen[variadic[0].name] if variadic else None,
        keywords={p.name: chosen[p.name] for p in named},
        keyword_variadic=chosen[keyword_variadic[0].name] if keyword_variadic else None,
        is_plain=all(p.default is not empty for p in keyword_only),
        is_input_only=all(p.direction is IN.direction for p in chosen.values())
        and all(p.kind is Kind.OBJECT for p in chosen.values()),
    )


def annotated_returns(function: Callable[..., Any]) -> tuple[int | None, type | None]:
    """Number of values and class of a single one from the annotation; None where there is no annotation."""
    annotation = getattr(function, "__annotations__", {}).get("return", inspect.Signature.empty)
    if annotation is inspect.Signature.empty:
        return None, None
    try:
        annotation = typing.get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001 - a hint may name anything; then the text of it has to do
        text = str(annotation).strip("'\"")
        return (0 if text in {"None", "NoReturn"} else 1), None
    if annotation is type(None) or annotation is typing.NoReturn:
        return 0, None
    if get_origin(annotation) is tuple:
        arguments = get_args(annotation)
        if len(arguments) > 1 and arguments[-1] is not Ellipsis:
            return len(arguments), None
    return 1, annotation if isinstance(annotation, type) else None


def inferred_returns(function: Callable[..., Any]) -> int:
    """1 when the source returns a value somewhere, 0 when it cannot; 1 when there is no source to read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return 1
    pending: list[ast.AST] = list(ast.iter_child_nodes(tree.body[0]))
    if not isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return 1
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            if not (isinstance(node.value, ast.Constant) and node.value.value is None):
                return 1
        elif not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            pending.extend(ast.iter_child_nodes(node))
    return 0


@dataclass(frozen=True, slots=True)
class ReturnForm:
    """What the ``returns`` keyword or the annotation says."""

    count: int
    is_list: bool
    result_class: type | None = None


def read_returns(declared: object, function: Callable[..., Any]) -> ReturnForm:
    """Turn ``returns=`` (or its absence) into a number of futures."""
    if declared is None:
        count, result_class = annotated_returns(function)
        count = inferred_returns(function) if count is None else count
        return ReturnForm(count, is_list=count > 1, result_class=result_class)
    if isinstance(declared, bool):
        raise TaskDefinitionError(_returns_message(function.__qualname__, declared))
    if isinstance(declared, str) and declared.isdecimal():
        declared = int(declared)
    if isinstance(declared, int):
        if declared < 0:
            raise TaskDefinitionError(_returns_message(function.__qualname__, declared))
        return ReturnForm(declared, is_list=declared > 1)
    if isinstance(declared, tuple | list):
        if not declared:
            raise TaskDefinitionError(_returns_message(function.__qualname__, declared))
        single = declared[0] if len(declared) == 1 and isinstance(declared[0], type) else None
        return ReturnForm(len(declared), is_list=len(declared) > 1, result_class=single)
    if callable(declared) or get_origin(declared) is not None:
        return ReturnForm(
            1, is_list=False, result_class=declared if isinstance(declared, type) else None
        )
    raise TaskDefinitionError(_returns_message(function.__qualname__, declared))


def _returns_message(name: str, declared: object) -> str:
    return (
        f"task {name}: returns must be a number of values, a type or a tuple of types, "
        f"but {declared!r} was given; write for example returns=2"
    )

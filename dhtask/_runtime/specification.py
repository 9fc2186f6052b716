"""What is known of a task before it is called: parsed once at decoration, applied at every call."""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
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
    #: What the single returned value is said to be: a class, an annotation, or None.
    result: object
    priority: int
    failure: FailurePolicy
    constraint: Constraint
    #: Values that outputs get when a failure is ignored: ``returns`` or the name of a parameter.
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def result_class(self) -> type | None:
        """Class of the single returned value where it is known: its task methods can be called on the future.

        Asked for late: an annotation may name a class that is not there yet when its methods are decorated.
        """
        if isinstance(self.result, str):
            found = _evaluated(self.function, self.result)
            return found if isinstance(found, type) else None
        return self.result if isinstance(self.result, type) else None


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


def annotated_returns(function: Callable[..., Any], annotation: object) -> int:
    """Number of values from the annotation."""
    if isinstance(annotation, str):
        text = annotation
        annotation = _evaluated(function, text)
        if isinstance(annotation, str):
            return _written_returns(text)
    if annotation is None or annotation is type(None) or annotation is typing.NoReturn:
        return 0
    if isinstance(annotation, tuple):
        return len(annotation)
    if get_origin(annotation) is tuple:
        arguments = get_args(annotation)
        if len(arguments) > 1 and arguments[-1] is not Ellipsis:
            return len(arguments)
    return 1


def _evaluated(function: Callable[..., Any], text: str) -> object:
    """What an annotation means; its text when that names something that is not there."""
    # The annotations of parameters may name what is imported for type checkers only.
    stand_in = SimpleNamespace(__annotations__={"return": text})
    try:
        return typing.get_type_hints(stand_in, inspect.unwrap(function).__globals__)["return"]
    except Exception:  # noqa: BLE001 - an annotation may be anything
        return text


def _written_returns(text: str) -> int:
    """Number of values that the text of an annotation speaks of."""
    try:
        written = ast.parse(text.strip("'\""), mode="eval").body
    except SyntaxError:
        return 1
    if isinstance(written, ast.Tuple):
        return len(written.elts)
    if isinstance(written, ast.Subscript) and isinstance(written.slice, ast.Tuple):
        last = ast.unparse(written.slice.elts[-1])
        is_tuple = ast.unparse(written.value).rsplit(".", 1)[-1] in {"tuple", "Tuple"}
        return len(written.slice.elts) if is_tuple and last != "..." else 1
    return 0 if ast.unparse(written).rsplit(".", 1)[-1] in {"None", "NoReturn"} else 1


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
    result: object = None


def read_returns(declared: object, function: Callable[..., Any]) -> ReturnForm:
    """Turn ``returns=`` (or its absence) into a number of futures."""
    if declared is None:
        annotations = getattr(function, "__annotations__", {})
        if "return" not in annotations:
            count = inferred_returns(function)
            return ReturnForm(count, is_list=count > 1)
        count = annotated_returns(function, annotations["return"])
        return ReturnForm(count, is_list=count > 1, result=annotations["return"])
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
        return ReturnForm(len(declared), is_list=len(declared) > 1, result=single)
    if callable(declared) or get_origin(declared) is not None:
        return ReturnForm(1, is_list=False, result=declared)
    raise TaskDefinitionError(_returns_message(function.__qualname__, declared))


def _returns_message(name: str, declared: object) -> str:
    return (
        f"task {name}: returns must be a number of values, a type or a tuple of types, "
        f"but {declared!r} was given; write for example returns=2"
    )

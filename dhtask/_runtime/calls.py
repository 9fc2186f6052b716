"""A call, between the program that made it and the worker that runs it."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from functools import cache
from types import CellType, CodeType, FunctionType
from typing import Any

from dhtask._executors.portable import dumps
from dhtask._executors.work import ElementPlace, FilePlace, Work
from dhtask._model.function import TaskFunction
from dhtask._runtime.specification import TaskSpec
from dhtask.errors import SerialisationError


@dataclass(slots=True)
class Call:
    """What the program said, with everything that can change replaced by what it was at that moment."""

    task: int
    spec: TaskSpec
    arguments: list[Any]
    keywords: dict[str, Any]
    returns: int
    returns_list: bool
    function: bytes
    scratch: frozenset[str] = frozenset()
    blanks: dict[str, bytes] = field(default_factory=dict)
    elements: tuple[ElementPlace, ...] = ()
    files: dict[str, FilePlace] = field(default_factory=dict)
    #: Parameter name of each slot, for declared defaults.
    names: dict[str, str] = field(default_factory=dict)

    def work(self, directory: str, *, is_watched: bool) -> Work:
        """What travels."""
        return Work(
            name=self.spec.name,
            function=self.function,
            arguments=pickle.dumps(
                (self.arguments, self.keywords), protocol=pickle.HIGHEST_PROTOCOL
            ),
            returns=self.returns,
            returns_list=self.returns_list,
            scratch=self.scratch,
            blanks=self.blanks,
            elements=self.elements,
            files=self.files,
            directory=directory,
            constraint=self.spec.constraint,
            is_watched=is_watched,
        )


class FunctionStore:
    """Functions as workers get them: pickled once, again when what they refer to has been rebound.

    A function that is pickled by value (of ``__main__``, or local) takes along the globals that it names.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[TaskSpec, tuple[Any, ...], bytes]] = {}

    def pickled(self, spec: TaskSpec) -> bytes:
        """The function of a task, pickled."""
        known = self._known.get(id(spec))
        if known is not None and known[0] is spec and _are_same(known[1], _bindings(spec)):
            return known[2]
        try:
            data = dumps(_by_name(spec) or spec.function)
        except Exception as error:
            raise SerialisationError(
                f"task {spec.name} cannot be sent to workers: what it refers to does not pickle: {error}",
                name=spec.name,
            ) from error
        self._known[id(spec)] = (spec, _bindings(spec), data)
        return data


def _by_name(spec: TaskSpec) -> Any:
    """The decorated object, when a worker that imports the module finds it under the same name."""
    import inspect
    import sys

    if spec.module == "__main__" or "<locals>" in spec.function.__qualname__:
        return None
    found: Any = sys.modules.get(spec.module)
    try:
        for part in spec.function.__qualname__.split("."):
            found = inspect.getattr_static(found, part)
    except AttributeError:
        return None
    if isinstance(found, classmethod | staticmethod):
        found = found.__func__
    return found if getattr(found, "function", None) is spec.function else None


def _bindings(spec: TaskSpec) -> tuple[Any, ...]:
    """What a function pickled by value takes along, however indirectly."""
    if not _travels_by_value(spec.function):
        return ()
    found: list[Any] = []
    seen: set[int] = set()
    pending: list[Any] = [spec.function]
    while pending:
        function = pending.pop()
        if isinstance(function, TaskFunction):
            function = function.function
        if not isinstance(function, FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        if _travels_by_value(function):
            known = function.__globals__
            values = [known[name] for name in _global_names(function.__code__) if name in known]
            values += [
                cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)
            ]
            found.extend(values)
            pending.extend(values)
    return tuple(found)


def _are_same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _travels_by_value(function: Any) -> bool:
    return function.__module__ == "__main__" or "<locals>" in function.__qualname__


def _is_filled(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


@cache
def _global_names(code: CodeType) -> tuple[str, ...]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.extend(_global_names(constant))
    return tuple(names)

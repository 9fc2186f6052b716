"""Arguments in the form in which they travel: pickled at the call, with holes for what tasks will make.

``Hole`` and ``Pickled`` stand anywhere inside the arguments of a call. Unpickling the arguments inside
``holes_filled(values)`` gives them with the values in their places and every snapshot restored.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, final

import cloudpickle
import cloudpickle.cloudpickle as by_value

_VALUES: Final[ContextVar[Mapping[str, Any]]] = ContextVar("dhtask_values_of_holes")


def _fill(slot: str) -> Any:
    return _VALUES.get()[slot]


@contextmanager
def holes_filled(values: Mapping[str, Any]) -> Iterator[None]:
    """Say what unpickled holes become inside a ``with`` statement."""
    token = _VALUES.set(values)
    try:
        yield
    finally:
        _VALUES.reset(token)


@final
class Hole:
    """The place of a value that is not there yet."""

    __slots__ = ("slot",)

    def __init__(self, slot: str) -> None:
        self.slot = slot

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return _fill, (self.slot,)

    def __repr__(self) -> str:
        return f"Hole({self.slot!r})"


@final
class Pickled:
    """An object as it was when it was pickled; unpickles to that object, not to itself."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        return pickle.loads, (self.data,)

    def __repr__(self) -> str:
        return f"Pickled({len(self.data)} bytes)"


class _ArgumentPickler(cloudpickle.Pickler):
    """Pickles a program's object; ``replace`` may put something else in the place of what is met inside."""

    def __init__(self, file: io.BytesIO, replace: Callable[[Any], Any]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._replace = replace

    def reducer_override(self, obj: Any) -> Any:
        replacement = self._replace(obj)
        if replacement is not None:
            return replacement.__reduce__()
        return super().reducer_override(obj)


def dumps(value: Any, replace: Callable[[Any], Any] | None = None) -> bytes:
    """Pickle an object, by value where a worker could not import it.

    Args:
        value: what to pickle.
        replace: called with every instance met; a `Hole` or `Pickled` that it returns takes its place.
    """
    buffer = io.BytesIO()
    if replace is None:
        cloudpickle.Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    else:
        _ArgumentPickler(buffer, replace).dump(value)
    return buffer.getvalue()


def loads(data: bytes, values: Mapping[str, Any] | None = None) -> Any:
    """Unpickle, with the values of its holes."""
    with holes_filled(values or {}):
        return pickle.loads(data)


_SET_CLASS_STATE: Final = by_value._class_setstate  # noqa: SLF001 - see keep_classes


def _keep_class_state(kind: type, state: tuple[dict[str, Any], dict[str, Any]]) -> type:
    if all(name in vars(kind) for name in state[0]):
        return kind
    kept: type = _SET_CLASS_STATE(kind, state)
    return kept


def keep_classes() -> None:
    """From now on the classes of this process stay as they are when their instances come back.

    A class that travels by value comes back by value. Cloudpickle finds the class that it was, and would set all
    its attributes to what they were when it left, its methods to copies that see copies of their globals.
    """
    # Pickles name the function by the place where cloudpickle has it.
    _keep_class_state.__module__ = _SET_CLASS_STATE.__module__
    _keep_class_state.__qualname__ = _keep_class_state.__name__ = _SET_CLASS_STATE.__name__
    by_value._class_setstate = _keep_class_state  # noqa: SLF001 - there is no other way to say so

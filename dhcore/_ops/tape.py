"""The tape of eager computation: values that remember the call that made them, and the walk back along it.

::

    w ──┐
        ├─ linear ── relu ── loss          each result holds its Record: the call, and the variables it read
    x ──┘                      └ backward: calls in reverse order, gradients of a variable added up
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Self, final

from dhcore._backends.base import Array
from dhcore._ops.operation import Call
from dhcore.device import Device

_recording: Final[ContextVar[bool]] = ContextVar("dhcore_recording", default=True)


def is_recording() -> bool:
    """Whether calls are remembered for derivatives."""
    return _recording.get()


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without remembering, within a block: nothing made in it has a gradient.

    >>> from dhcore.tensor import Tensor
    >>> x = Tensor([1.0], requires_grad=True)
    >>> with no_grad():
    ...     (x * 2).requires_grad
    False
    """
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """How a variable was made."""

    call: Call
    parents: tuple[Variable | None, ...]


class Variable(ABC):
    """A value on a device and its place on the tape; what operations take and return."""

    __slots__ = ("array", "device", "record", "requires_grad")

    #: Elements, as an array of the device's backend.
    array: Array
    #: Where the elements lie.
    device: Device
    #: How it was made; None for a leaf, a value that no recorded call has made.
    record: Record | None
    #: Whether a gradient is sent back to it, or through it.
    requires_grad: bool

    @classmethod
    @abstractmethod
    def wrap(cls, array: Array, device: Device, record: Record | None = None) -> Self:
        """Make a variable of an array that already lies on the device; it has a gradient if it has a record."""

    @abstractmethod
    def accumulate(self, gradient: Array) -> None:
        """Add to the gradient of a leaf."""


def walk_back(root: Variable, gradient: Array) -> None:
    """Send a gradient from a variable back to every leaf that wants one."""
    pending: dict[int, Array] = {id(root): gradient}
    for variable in _reverse_order(root):
        arrived = pending.pop(id(variable))
        record = variable.record
        if record is None:
            variable.accumulate(arrived)
            continue
        call = record.call
        for parent, argument, part in zip(
            record.parents, call.inputs, call.backward(arrived), strict=True
        ):
            if parent is None or not parent.requires_grad or part is None or argument is None:
                continue
            # What the call converted on its way in is converted back.
            converted = call.kernels("cast", part, dtype=parent.array.dtype)
            before = pending.get(id(parent))
            pending[id(parent)] = (
                converted if before is None else call.kernels("add", before, converted)
            )


def _reverse_order(root: Variable) -> list[Variable]:
    """Variables that lead to the root, each before the ones it was made from; no recursion, so depth is no limit."""
    order: list[Variable] = []
    visited: set[int] = set()
    stack: list[tuple[Variable, bool]] = [(root, False)]
    while stack:
        variable, is_done = stack.pop()
        if is_done:
            order.append(variable)
        elif id(variable) not in visited:
            visited.add(id(variable))
            stack.append((variable, True))
            parents = variable.record.parents if variable.record else ()
            stack.extend(
                (parent, False) for parent in parents if parent is not None and parent.requires_grad
            )
    return order[::-1]

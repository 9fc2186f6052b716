"""Where a model begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from dhcore.errors import ShapeError
from dhcore.nn.layer import Application, Layer, Shape, Symbol


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Placeholder(Layer):
    """Stands for an array that comes from outside."""

    kind: ClassVar[str] = "input"
    arity: ClassVar[int | None] = 0

    def application(self, *shapes: Shape) -> Application:  # noqa: ARG002 - there are none
        """The placeholder."""
        return Application("input")


def Input(shape: tuple[int, ...], *, name: str | None = None) -> Symbol:  # noqa: N802 - it stands among the layers
    """A symbol for an array that the model is given.

    Args:
        shape: of one sample, channels first, without the batch.
        name: unique within a model; ``input`` by default.

    Raises:
        ShapeError: an extent is not a positive integer.

    >>> Input((3, 64, 64)).shape
    (3, 64, 64)
    """
    extents: tuple[object, ...] = tuple(shape)
    if any(not isinstance(extent, int) or extent < 1 for extent in extents):
        raise ShapeError(name or "input", "a shape of positive integers", repr(shape))
    return Symbol(_Placeholder(name=name), (), Application("input"), tuple(shape))

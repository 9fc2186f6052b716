"""Where a model begins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

from dhcore.errors import ShapeError
from dhcore.nn._window import is_whole
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
    # A number alone is a frequent slip for a shape of one axis.
    given: object = shape
    if not isinstance(given, Iterable) or not all(is_whole(extent) for extent in given):
        raise ShapeError(name or "input", "a shape of positive integers", repr(shape))
    sizes = tuple(int(extent) for extent in shape)
    return Symbol(_Placeholder(name=name), (), Application("input"), sizes)

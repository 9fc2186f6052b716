"""Layers that join several inputs."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, final

from dhcore.errors import ShapeError
from dhcore.nn.layer import Application, Layer, Shape


@dataclass(frozen=True, slots=True, eq=False)
class _Pairwise(Layer, ABC):
    """Two inputs, element by element."""

    arity: ClassVar[int | None] = 2

    def application(self, *shapes: Shape) -> Application:
        """The operation, once the ranks agree."""
        first, second = shapes
        # With different ranks NumPy's rules would set channels against rows.
        if len(first) != len(second):
            raise ShapeError(self.kind, f"two inputs of as many axes as {first}", str(second))
        return Application(self.kind)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Add(_Pairwise):
    """``a + b``; axes of length 1 are repeated.

    >>> from dhcore import nn
    >>> x = nn.Input((8, 4, 4))
    >>> nn.Add()(x, nn.ReLU()(x)).shape
    (8, 4, 4)
    """

    kind: ClassVar[str] = "add"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Subtract(_Pairwise):
    """``a - b``; axes of length 1 are repeated.

    >>> from dhcore import nn
    >>> nn.Subtract()(nn.Input((8, 4, 4)), nn.Input((8, 1, 1))).shape
    (8, 4, 4)
    """

    kind: ClassVar[str] = "subtract"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Multiply(_Pairwise):
    """``a * b``; axes of length 1 are repeated, as in an attention map over channels.

    >>> from dhcore import nn
    >>> nn.Multiply()(nn.Input((8, 4, 4)), nn.Input((1, 4, 4))).shape
    (8, 4, 4)
    """

    kind: ClassVar[str] = "multiply"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Concatenate(Layer):
    """Two or more inputs, one behind the other along an axis.

    Args:
        axis: 1, the channels, by default; the batch is axis 0.
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.Concatenate()(nn.Input((8, 4, 4)), nn.Input((3, 4, 4))).shape
    (11, 4, 4)
    """

    kind: ClassVar[str] = "concatenate"
    arity: ClassVar[int | None] = None

    axis: int = 1

    def application(self, *shapes: Shape) -> Application:
        """The concatenation."""
        if not 1 <= self.axis <= len(shapes[0]):
            axes = f"an axis from 1 to {len(shapes[0])}"
            raise ShapeError(self.kind, axes, f"axis={self.axis!r}", "axis 0 is the batch")
        return Application("concatenate", {"axis": self.axis})

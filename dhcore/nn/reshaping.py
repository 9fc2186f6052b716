"""Layers that move elements without computing."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, final, get_args

from dhcore.errors import OperationError, ShapeError
from dhcore.nn._window import Extent, Padding, explicit_pairs, per_axis
from dhcore.nn.layer import Application, Layer, Shape

#: How new positions are filled: with the nearest value, or linearly between the nearest ones.
Interpolation = Literal["nearest", "linear"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Flatten(Layer):
    """All elements of a sample in one row.

    >>> from dhcore import nn
    >>> nn.Flatten()(nn.Input((8, 4, 4))).shape
    (128,)
    """

    kind: ClassVar[str] = "flatten"

    def application(self, *shapes: Shape) -> Application:
        """The reshape."""
        return Application("reshape", {"shape": (math.prod(shapes[0]),)})


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reshape(Layer):
    """The same elements in another shape.

    Args:
        shape: of one sample, without the batch; one extent may be -1.
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.Reshape((-1, 4))(nn.Input((2, 8))).shape
    (4, 4)
    """

    kind: ClassVar[str] = "reshape"

    shape: tuple[int, ...]

    def application(self, *shapes: Shape) -> Application:
        """The reshape, with the open extent filled in."""
        wanted, size = tuple(self.shape), math.prod(shapes[0])
        known = math.prod(extent for extent in wanted if extent != -1)
        if wanted.count(-1) == 1 and known > 0 and size % known == 0:
            wanted = tuple(size // known if extent == -1 else extent for extent in wanted)
        if math.prod(wanted) != size or min(wanted, default=1) < 0:
            raise ShapeError(
                "reshape", f"{size} elements as in {shapes[0]}", f"shape={self.shape!r}"
            )
        return Application("reshape", {"shape": wanted})


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pad(Layer):
    """A margin of one value around the spatial axes.

    Args:
        padding: an integer, one per spatial axis, or (low, high) per spatial axis.
        value: what the margin holds.
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.Pad(((0, 1), (1, 0)))(nn.Input((8, 4, 4))).shape
    (8, 5, 5)
    """

    kind: ClassVar[str] = "pad"

    padding: Padding
    _: KW_ONLY
    value: float = 0.0

    def application(self, *shapes: Shape) -> Application:
        """The padding of the last axes."""
        pairs = explicit_pairs(self.padding, len(shapes[0]) - 1)
        return Application("pad", {"padding": pairs, "value": self.value})


@final
@dataclass(frozen=True, slots=True, eq=False)
class Upsample(Layer):
    """More positions between the ones there are.

    Args:
        factor: how many times larger, one whole number or one per axis.
        mode: ``"nearest"`` repeats; ``"linear"`` interpolates between pixel centres (half-pixel convention, as OpenCV's
            and PyTorch's ``align_corners=False``).
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.Upsample(2)(nn.Input((8, 4, 6))).shape
    (8, 8, 12)
    """

    kind: ClassVar[str] = "upsample"

    factor: Extent = 2
    _: KW_ONLY
    mode: Interpolation = "nearest"

    def __post_init__(self) -> None:
        if self.mode not in get_args(Interpolation):
            raise OperationError(f"expected mode 'nearest' or 'linear', found {self.mode!r}")

    def application(self, *shapes: Shape) -> Application:
        """The upsampling of the spatial axes."""
        if len(shapes[0]) < 2:
            raise ShapeError("upsample", "(channels, *spatial)", str(shapes[0]))
        factor = per_axis("factor", self.factor, len(shapes[0]) - 1)
        return Application("upsample", {"factor": factor, "mode": self.mode})

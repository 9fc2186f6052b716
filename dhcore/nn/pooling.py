"""Pooling: fewer positions, each a summary of a window."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, final

from dhcore.errors import ShapeError
from dhcore.nn._window import Extent, Padding, padding_pairs, per_axis
from dhcore.nn.layer import Application, Layer, Shape


@final
@dataclass(frozen=True, slots=True, eq=False)
class MaxPool(Layer):
    """The largest value of each window, over any number of spatial axes.

    Args:
        kernel: window, one number or one per axis.
        stride: step of the window; the window itself by default.
        padding: ``"valid"``, ``"same"``, an integer, one per axis, or (low, high) per axis; what is added never wins.
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.MaxPool(2)(nn.Input((16, 64, 64))).shape
    (16, 32, 32)
    """

    kind: ClassVar[str] = "max_pool"

    kernel: Extent
    _: KW_ONLY
    stride: Extent | None = None
    padding: Padding = "valid"

    def application(self, *shapes: Shape) -> Application:
        """The pooling, with padding resolved for this input."""
        return Application("max_pool", _window(self, shapes[0]))


@final
@dataclass(frozen=True, slots=True, eq=False)
class AveragePool(Layer):
    """The mean of each window, over any number of spatial axes.

    Args:
        kernel: window, one number or one per axis.
        stride: step of the window; the window itself by default.
        padding: ``"valid"``, ``"same"``, an integer, one per axis, or (low, high) per axis.
        count_include_pad: divide by the whole window rather than by the part of it that lies on the input.
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.AveragePool(3, stride=2, padding="same")(nn.Input((16, 9, 9, 9))).shape
    (16, 5, 5, 5)
    """

    kind: ClassVar[str] = "average_pool"

    kernel: Extent
    _: KW_ONLY
    stride: Extent | None = None
    padding: Padding = "valid"
    count_include_pad: bool = False

    def application(self, *shapes: Shape) -> Application:
        """The pooling, with padding resolved for this input."""
        window = _window(self, shapes[0])
        return Application("average_pool", {**window, "count_include_pad": self.count_include_pad})


@final
@dataclass(frozen=True, slots=True, eq=False)
class GlobalAveragePool(Layer):
    """The mean of each channel: (channels, *spatial) -> (channels,).

    >>> from dhcore import nn
    >>> nn.GlobalAveragePool()(nn.Input((512, 7, 7))).shape
    (512,)
    """

    kind: ClassVar[str] = "global_average_pool"

    def application(self, *shapes: Shape) -> Application:
        """The mean over the spatial axes."""
        _check_spatial(self.kind, shapes[0])
        return Application("global_average_pool")


def _window(layer: MaxPool | AveragePool, shape: Shape) -> dict[str, object]:
    _check_spatial(layer.kind, shape)
    size = shape[1:]
    kernel = per_axis("kernel", layer.kernel, len(size))
    stride = kernel if layer.stride is None else per_axis("stride", layer.stride, len(size))
    padding = padding_pairs(layer.padding, size, kernel, stride, (1,) * len(size))
    return {"kernel": kernel, "stride": stride, "padding": padding}


def _check_spatial(kind: str, shape: Shape) -> None:
    if len(shape) < 2:
        raise ShapeError(kind, "(channels, *spatial)", str(shape), "pool before flattening")

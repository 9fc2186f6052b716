"""Convolutions over one, two and three spatial axes."""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, final

from dhcore.errors import OperationError, ShapeError
from dhcore.nn._window import Extent, Padding, padding_pairs, per_axis, transposed_pairs, whole
from dhcore.nn.initialiser import Constant, Fans, HeNormal, Initialiser
from dhcore.nn.layer import Application, ArraySpec, Layer, Shape


@dataclass(frozen=True, slots=True, eq=False)
class _Convolution(Layer, ABC):
    """What the convolutions share: figures, shapes of the arrays."""

    kind: ClassVar[str] = "convolution"
    axes: ClassVar[int]

    filters: int
    kernel: Extent
    _: KW_ONLY
    stride: Extent = 1
    padding: Padding = "same"
    dilation: Extent = 1
    groups: int = 1
    bias: bool = True
    initialiser: Initialiser = field(default_factory=HeNormal)

    def application(self, *shapes: Shape) -> Application:
        """The convolution, with padding resolved for this input."""
        channels, *size = _channels_and_size(shapes[0], self.axes)
        filters, groups = _checked_groups(channels, self.filters, self.groups)
        kernel = per_axis("kernel", self.kernel, self.axes)
        stride = per_axis("stride", self.stride, self.axes)
        dilation = per_axis("dilation", self.dilation, self.axes)
        attributes = {
            "stride": stride,
            "padding": padding_pairs(self.padding, tuple(size), kernel, stride, dilation),
            "dilation": dilation,
            "groups": groups,
        }
        per_group = channels // groups
        taps = math.prod(kernel)
        fans = Fans(per_group * taps, filters // groups * taps)
        weight = ArraySpec("weight", (filters, per_group, *kernel), self.initialiser, fans)
        return Application("convolution", attributes, (weight, *_bias(filters, self.bias)))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Conv1d(_Convolution):
    """Convolution of signals: (channels, length) -> (filters, length').

    Args:
        filters: number of output channels.
        kernel: length of the window.
        stride: step of the window.
        padding: ``"same"`` (output ``ceil(length / stride)``), ``"valid"`` (none), an integer, or ``((low, high),)``.
        dilation: distance of the window's elements.
        groups: number of channel groups that do not see each other.
        bias: add one learned number per filter.
        initialiser: how the weight begins.
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.Conv1d(8, 5, stride=2)(nn.Input((3, 100))).shape
    (8, 50)
    """

    axes: ClassVar[int] = 1


@final
@dataclass(frozen=True, slots=True, eq=False)
class Conv2d(_Convolution):
    """Convolution of images: (channels, height, width) -> (filters, height', width').

    Args:
        filters: number of output channels.
        kernel: window, one number or (height, width).
        stride: step of the window.
        padding: ``"same"`` (output ``ceil(size / stride)``), ``"valid"`` (none), an integer, one integer per axis, or
            ``((low, high), (low, high))``.
        dilation: distance of the window's elements.
        groups: number of channel groups that do not see each other; as many as channels is a depthwise convolution.
        bias: add one learned number per filter.
        initialiser: how the weight begins.
        name: unique within a model.

    >>> from dhcore import nn
    >>> x = nn.Input((3, 64, 48))
    >>> nn.Conv2d(16, 3)(x).shape, nn.Conv2d(16, 3, padding="valid", stride=2)(x).shape
    ((16, 64, 48), (16, 31, 23))
    """

    axes: ClassVar[int] = 2


@final
@dataclass(frozen=True, slots=True, eq=False)
class Conv3d(_Convolution):
    """Convolution of volumes: (channels, depth, height, width) -> (filters, depth', height', width').

    The arguments are those of :class:`Conv2d`, with three axes.

    >>> from dhcore import nn
    >>> nn.Conv3d(4, (1, 3, 3))(nn.Input((1, 8, 32, 32))).shape
    (4, 8, 32, 32)
    """

    axes: ClassVar[int] = 3


@dataclass(frozen=True, slots=True, eq=False)
class _ConvolutionTranspose(Layer, ABC):
    """What the transposed convolutions share."""

    kind: ClassVar[str] = "convolution_transpose"
    axes: ClassVar[int]

    filters: int
    kernel: Extent
    _: KW_ONLY
    stride: Extent = 1
    padding: Padding = "same"
    output_padding: Extent | None = None
    dilation: Extent = 1
    groups: int = 1
    bias: bool = True
    initialiser: Initialiser = field(default_factory=HeNormal)

    def application(self, *shapes: Shape) -> Application:
        """The transposed convolution, with padding resolved."""
        channels, *_ = _channels_and_size(shapes[0], self.axes)
        filters, groups = _checked_groups(channels, self.filters, self.groups)
        kernel = per_axis("kernel", self.kernel, self.axes)
        stride = per_axis("stride", self.stride, self.axes)
        dilation = per_axis("dilation", self.dilation, self.axes)
        padding, extra = transposed_pairs(self.padding, kernel, stride, dilation)
        if self.output_padding is not None:
            extra = per_axis("output_padding", self.output_padding, self.axes, least=0)
        attributes = {
            "stride": stride,
            "padding": padding,
            "output_padding": extra,
            "dilation": dilation,
            "groups": groups,
        }
        shape = (channels, filters // groups, *kernel)
        weight = ArraySpec("weight", shape, self.initialiser, self._fans(channels, kernel, stride))
        arrays = (weight, *_bias(filters, self.bias))
        return Application("convolution_transpose", attributes, arrays)

    def _fans(self, channels: int, kernel: Shape, stride: Shape) -> Fans:
        # An output is reached by one tap in stride: the mean number of inputs it reads is smaller than the window.
        taps = math.prod(kernel)
        reached = max(1.0, taps / math.prod(stride))
        return Fans(channels // self.groups * reached, self.filters // self.groups * taps)


@final
@dataclass(frozen=True, slots=True, eq=False)
class ConvTranspose2d(_ConvolutionTranspose):
    """Transposed convolution of images, the way up in a U-Net: (channels, height, width) -> (filters, height', width').

    Args:
        filters: number of output channels.
        kernel: window, one number or (height, width).
        stride: how many times larger the output is.
        padding: ``"same"`` (output ``size * stride``), ``"valid"`` (all of it), or what is cut from each side.
        output_padding: zeros added on the high side; chosen by ``"same"``, otherwise 0.
        dilation: distance of the window's elements.
        groups: number of channel groups that do not see each other.
        bias: add one learned number per filter.
        initialiser: how the weight begins.
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.ConvTranspose2d(8, 2, stride=2)(nn.Input((16, 32, 24))).shape
    (8, 64, 48)
    """

    axes: ClassVar[int] = 2


@final
@dataclass(frozen=True, slots=True, eq=False)
class ConvTranspose3d(_ConvolutionTranspose):
    """Transposed convolution of volumes; the arguments are those of :class:`ConvTranspose2d`, with three axes.

    >>> from dhcore import nn
    >>> nn.ConvTranspose3d(8, 2, stride=(1, 2, 2))(nn.Input((16, 8, 16, 16))).shape
    (8, 8, 32, 32)
    """

    axes: ClassVar[int] = 3


def _channels_and_size(shape: Shape, axes: int) -> Shape:
    if len(shape) != axes + 1:
        names = ("length",) if axes == 1 else ("depth", "height", "width")[-axes:]
        raise ShapeError(
            "convolution", f"(channels, {', '.join(names)})", str(shape), "channels come first"
        )
    return shape


def _checked_groups(channels: int, filters: int, groups: int) -> tuple[int, int]:
    filters, groups = whole("filters", filters), whole("groups", groups)
    if channels % groups or filters % groups:
        raise OperationError(
            f"expected groups that divide {channels} channels and {filters} filters, found {groups!r}"
        )
    return filters, groups


def _bias(filters: int, wanted: bool) -> tuple[ArraySpec, ...]:  # noqa: FBT001 - a layer's own flag
    return (ArraySpec("bias", (filters,), Constant(0.0), decay=False),) if wanted else ()

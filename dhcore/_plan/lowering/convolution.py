"""Convolution with bias and rectification, through oneDNN.

Which algorithm runs is a rule on the shape alone, so that two processes give the same bits. Winograd F(4x4, 3x3) (Lavin
and Gray, 2016) does 4 times fewer multiplications, and pays for its transforms: of pixels when there are few channels,
of weights when there are few pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from dhcore._backends.cpu.onednn import operations
from dhcore._backends.cpu.onednn.constants import Algorithm, Argument, Query
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor
from dhcore._backends.cpu.onednn.operations import Direction, Window
from dhcore._backends.cpu.onednn.primitive import PrimitiveDescriptor
from dhcore._plan.buffers import Buffer
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import Group
from dhcore._plan.layout import BLOCK, Layout, can_block, described, element_count, padded
from dhcore._plan.lowering.elementwise import rectified_gradient
from dhcore._plan.state import Placement

_DIRECT: Final = Algorithm.CONVOLUTION_DIRECT
_WINOGRAD: Final = Algorithm.CONVOLUTION_WINOGRAD


#: Fewest pixels of the batch for which transforming the weights pays.
_FEWEST_PIXELS: Final[dict[Direction, int]] = {
    "forward": 512,
    "backward_data": 512,
    "backward_weights": 256,
}
_FEWEST_CHANNELS: Final = 32


def algorithm(
    direction: Direction, weight: Sequence[int], window: Window, pixels: int
) -> Algorithm:
    """Choose the algorithm of a convolution or derivative.

    Args:
        direction: What is computed.
        weight: Shape (O, C, *K).
        window: Strides, paddings and dilations.
        pixels: Results of one channel in the whole batch.
    """
    is_dense = (
        set(window.stride) == {1}
        and set(window.dilation) == {1}
        and max(*window.low, *window.high) <= 1
    )
    if tuple(weight[2:]) != (3, 3) or not is_dense or min(weight[:2]) < _FEWEST_CHANNELS:
        return _DIRECT
    return _WINOGRAD if pixels >= _FEWEST_PIXELS[direction] else _DIRECT


@final
@dataclass(frozen=True, slots=True)
class _Convolution:
    """One convolution with the layouts that its primitives take."""

    builder: Builder
    group: Group
    x: Value
    source_layout: Layout
    source: MemoryDescriptor
    result: MemoryDescriptor
    #: Weights as the primitive names their axes: (O, C, *K), or (G, 1, 1, *K) when each channel is its own group.
    axes: tuple[int, ...]
    #: The same memory as the graph names its axes, channels filled.
    filled: tuple[int, ...]
    window: Window
    pixels: int
    weight: str
    bias: str | None

    def describe(
        self,
        direction: Direction,
        algorithm: Algorithm,
        weights: MemoryDescriptor,
        *,
        relu: bool = False,
    ) -> PrimitiveDescriptor | None:
        """Describe the convolution or a derivative with weights in a given layout."""
        outputs = self.filled[0]
        bias = (
            MemoryDescriptor.plain((outputs,))
            if self.bias and direction != "backward_data"
            else None
        )
        return operations.convolution(
            direction, algorithm, self.source, weights, bias, self.result, self.window, relu=relu
        )

    def choose(self, direction: Direction, *, relu: bool = False) -> PrimitiveDescriptor | None:
        """Describe it with the layout of weights that suits it, by the chosen algorithm or else directly."""
        return self.chosen(direction, MemoryDescriptor.any_order(self.axes), relu=relu)

    def chosen(
        self, direction: Direction, weights: MemoryDescriptor, *, relu: bool = False
    ) -> PrimitiveDescriptor | None:
        """Describe it with a given layout of weights, by the algorithm of the rule or else directly."""
        fitting = algorithm(direction, self.axes, self.window, self.pixels)
        found = self.describe(direction, fitting, weights, relu=relu)
        return found or self.describe(direction, _DIRECT, weights, relu=relu)

    def placement(self, stored: MemoryDescriptor) -> Placement:
        """Return the placement of the weights in a layout."""
        return Placement(self.filled, None, MemoryDescriptor.plain(self.axes), stored)

    def bias_placement(self) -> Placement:
        """Return the placement of the bias."""
        return Placement((self.filled[0],))


def convolution(builder: Builder, group: Group) -> bool:
    """Lower ``convolution`` or ``convolution, relu``."""
    plan = _plan(builder, group)
    if plan is None:
        return False
    forward = plan.choose("forward", relu=group.has_relu)
    if forward is None:
        return False
    if builder.training and not _has_derivatives(plan):
        return False
    x = builder.read(plan.x, plan.source_layout)
    y = builder.define(group.result, Layout.BLOCKED)
    weights = forward.memory(Query.WEIGHTS)
    reads = {
        Argument.SOURCE: (plan.source, x),
        Argument.WEIGHTS: (weights, builder.parameter(plan.weight, plan.placement(weights))),
    }
    if plan.bias:
        bias = builder.parameter(plan.bias, plan.bias_placement())
        reads[Argument.BIAS] = (MemoryDescriptor.plain((plan.filled[0],)), bias)
    builder.primitive(group.name, forward, reads, {Argument.RESULT: (plan.result, y.buffer)})
    if y.is_differentiable:
        builder.backward.append(lambda: _backward(plan, x, y, weights))
    return True


def _plan(builder: Builder, group: Group) -> _Convolution | None:
    node = group.first
    if len(node.inputs) != 1 or len(node.slots) not in {1, 2}:
        return None
    x, weight = builder.values[node.inputs[0]], builder.state.slot(node.slots[0])
    attributes: Any = builder.attributes(group.indices[0])
    groups = attributes["groups"]
    is_depthwise = groups > 1 and groups == x.shape[1] == weight.shape[0]
    if not can_block(x.shape) or (groups > 1 and not is_depthwise):
        return None
    outputs, kernel = padded(weight.shape[0]), weight.shape[2:]
    low, high = zip(*attributes["padding"], strict=True)
    window = Window(attributes["stride"], low, high, attributes["dilation"])
    layout = _source_layout(x)
    channels = padded(x.shape[1]) if layout is Layout.BLOCKED else x.shape[1]
    if is_depthwise:
        layout, axes, filled = Layout.BLOCKED, (outputs, 1, 1, *kernel), (outputs, 1, *kernel)
    else:
        axes = filled = (outputs, channels, *kernel)
    shape = (builder.batch, outputs, *node.shape[1:])
    return _Convolution(
        builder,
        group,
        x,
        layout,
        described(x.shape, layout),
        MemoryDescriptor.blocked(shape),
        axes,
        filled,
        window,
        builder.batch * element_count(node.shape[1:], Layout.PLAIN),
        node.slots[0],
        node.slots[1] if len(node.slots) == 2 else None,
    )


def _source_layout(x: Value) -> Layout:
    # Images have 1 to 3 channels: blocks of 16 would be mostly zeros, and the first layer takes plain sources.
    is_image = (
        x.layout is Layout.PLAIN
        and x.shape[1] <= 3
        and not x.is_differentiable
        and len(x.shape) == 4
    )
    return Layout.PLAIN if is_image and x.shape[1] < BLOCK else Layout.BLOCKED


def _has_derivatives(plan: _Convolution) -> bool:
    by_weights = plan.choose("backward_weights")
    return by_weights is not None and (
        not plan.x.is_differentiable or plan.choose("backward_data") is not None
    )


def _backward(plan: _Convolution, x: Buffer, y: Value, weights: MemoryDescriptor) -> None:
    g = rectified_gradient(plan.builder, y) if plan.group.has_relu else plan.builder.gradient(y)
    if g is None:
        return
    _by_weights(plan, x, g, weights)
    if plan.x.is_differentiable:
        _by_data(plan, g)


def _by_weights(plan: _Convolution, x: Buffer, g: Buffer, weights: MemoryDescriptor) -> None:
    builder = plan.builder
    # The layout of the weights themselves saves a reorder, where the derivative has it.
    descriptor = plan.chosen("backward_weights", weights) or plan.choose("backward_weights")
    assert descriptor is not None
    stored = descriptor.memory(Query.WEIGHTS_GRADIENT)
    reads = {Argument.SOURCE: (plan.source, x), Argument.RESULT_GRADIENT: (plan.result, g)}
    with builder.parameter_gradient(plan.weight, plan.placement(stored)) as gradient:
        writes = {Argument.WEIGHTS_GRADIENT: (stored, gradient)}
        if plan.bias is None:
            builder.primitive(f"{plan.group.name} by weights", descriptor, reads, writes)
        else:
            with builder.parameter_gradient(plan.bias, plan.bias_placement()) as shift:
                writes[Argument.BIAS_GRADIENT] = (MemoryDescriptor.plain((plan.filled[0],)), shift)
                builder.primitive(f"{plan.group.name} by weights", descriptor, reads, writes)


def _by_data(plan: _Convolution, g: Buffer) -> None:
    builder = plan.builder
    descriptor = plan.choose("backward_data")
    assert descriptor is not None
    stored = descriptor.memory(Query.WEIGHTS)
    weights = builder.parameter(plan.weight, plan.placement(stored))
    gradient = builder.like(plan.x, plan.source_layout)
    reads = {Argument.WEIGHTS: (stored, weights), Argument.RESULT_GRADIENT: (plan.result, g)}
    builder.primitive(
        f"{plan.group.name} by data",
        descriptor,
        reads,
        {Argument.SOURCE_GRADIENT: (plan.source, gradient)},
    )
    builder.contribute(plan.x, gradient, plan.source_layout)

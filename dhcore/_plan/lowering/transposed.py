"""Transposed convolution.

Where windows do not overlap (the kernel is the stride, as in U-Net), it is a product of matrices at each pixel and a
rearrangement; a convolution of one pixel makes all taps, (tap, channel) its channels, and :func:`spread` puts them in
their places. oneDNN's own deconvolution takes 2 to 4 times as long there; it serves the other shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from dhcore._backends.cpu.onednn import operations
from dhcore._backends.cpu.onednn.constants import Algorithm, Argument, Query
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor
from dhcore._backends.cpu.onednn.operations import Direction, Window
from dhcore._backends.cpu.onednn.primitive import PrimitiveDescriptor
from dhcore._plan.buffers import Buffer
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import Group
from dhcore._plan.kernels.taps import fold_bias, gather, repeat_bias, spread
from dhcore._plan.layout import Layout, can_block, described, element_count, padded
from dhcore._plan.state import Placement


@final
@dataclass(frozen=True, slots=True)
class _Product:
    """What oneDNN computes: a deconvolution, or the convolution of one pixel that makes all taps."""

    builder: Builder
    group: Group
    x: Value
    source: MemoryDescriptor
    result: MemoryDescriptor
    #: Weights as the primitive names their axes.
    axes: tuple[int, ...]
    #: The canonical (C, O, *K) with filled channels, and where its axes are among the primitive's.
    filled: tuple[int, ...]
    order: tuple[int, ...]
    window: Window
    is_apart: bool

    def choose(self, direction: Direction) -> PrimitiveDescriptor | None:
        """Describe it or a derivative with the layout of weights that suits it."""
        weights = MemoryDescriptor.any_order(self.axes)
        has_bias = self.bias is not None and direction != "backward_data"
        bias = self.bias_layout if has_bias else None
        if self.is_apart:
            direct = Algorithm.CONVOLUTION_DIRECT
            return operations.convolution(
                direction, direct, self.source, weights, bias, self.result, self.window
            )
        return operations.deconvolution(
            direction, self.source, weights, bias, self.result, self.window
        )

    @property
    def bias_layout(self) -> MemoryDescriptor:
        """The bias as the primitive takes it: one number for each of its channels."""
        return MemoryDescriptor.plain(self.axes[:1])

    def placement(self, stored: MemoryDescriptor) -> Placement:
        """Return the placement of the weights in a layout."""
        return Placement(self.filled, self.order, MemoryDescriptor.plain(self.axes), stored)

    @property
    def bias(self) -> str | None:
        """Name of the bias."""
        slots = self.group.first.slots
        return slots[1] if len(slots) == 2 else None

    @property
    def bias_placement(self) -> Placement:
        """Placement of the bias."""
        return Placement(self.filled[1:2])


def convolution_transpose(builder: Builder, group: Group) -> bool:
    """Lower a transposed convolution without groups."""
    product = _product(builder, group)
    forward = product and product.choose("forward")
    if product is None or forward is None:
        return False
    directions: tuple[Direction, ...] = ("backward_data", "backward_weights")
    if builder.training and any(product.choose(direction) is None for direction in directions):
        return False
    x = builder.read(product.x, Layout.BLOCKED)
    y = builder.define(group.result, Layout.BLOCKED)
    weights = forward.memory(Query.WEIGHTS)
    memory = builder.parameter(group.first.slots[0], product.placement(weights))
    reads = {Argument.SOURCE: (product.source, x), Argument.WEIGHTS: (weights, memory)}
    if product.bias:
        reads[Argument.BIAS] = (product.bias_layout, _bias(product, product.bias))
    if product.is_apart:
        taps = builder.temporary(f"{group.name} taps", y.buffer.size)
        builder.primitive(group.name, forward, reads, {Argument.RESULT: (product.result, taps)})
        builder.kernel(f"{group.name} spread", spread, [taps], [y.buffer], _extents(product))
    else:
        builder.primitive(group.name, forward, reads, {Argument.RESULT: (product.result, y.buffer)})
    if y.is_differentiable:
        builder.backward.append(lambda: _backward(product, x, y))
    return True


def _product(builder: Builder, group: Group) -> _Product | None:
    node = group.first
    x = builder.values[node.inputs[0]]
    attributes: Any = builder.attributes(group.indices[0])
    is_simple = len(node.inputs) == 1 and len(node.slots) in {1, 2} and attributes["groups"] == 1
    if not is_simple or not can_block(x.shape):
        return None
    weight, kernel = (
        builder.state.slot(node.slots[0]).shape,
        tuple(builder.state.slot(node.slots[0]).shape[2:]),
    )
    filled = (padded(weight[0]), padded(weight[1]), *kernel)
    window = _window(attributes)
    if window is None:
        return None
    space = tuple(range(2, len(filled)))
    source = described(x.shape, Layout.BLOCKED)
    is_apart = kernel == tuple(attributes["stride"]) and _is_bare(attributes)
    if is_apart:
        outputs = filled[1] * element_count(kernel, Layout.PLAIN)
        axes, order = (outputs, filled[0], *(1 for _ in kernel)), (*space, 1, 0)
        result = MemoryDescriptor.blocked((builder.batch, outputs, *x.shape[2:]))
        ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
        window = Window(ones, zeros, zeros, ones)
    else:
        axes, order = (filled[1], filled[0], *kernel), (1, 0, *space)
        result = described(builder.shape(group.result), Layout.BLOCKED)
    return _Product(builder, group, x, source, result, axes, filled, order, window, is_apart)


def _window(attributes: Any) -> Window | None:
    low, high = zip(*attributes["padding"], strict=True)
    # Output padding adds pixels above: the same as less padding there.
    above = tuple(
        pad - extra for pad, extra in zip(high, attributes["output_padding"], strict=True)
    )
    return (
        Window(attributes["stride"], low, above, attributes["dilation"])
        if min(above) >= 0
        else None
    )


def _is_bare(attributes: Any) -> bool:
    """Tell whether there is nothing but the kernel and its stride."""
    padding = {side for pair in attributes["padding"] for side in pair}
    return (
        padding == {0}
        and set(attributes["dilation"]) == {1}
        and set(attributes["output_padding"]) == {0}
    )


def _extents(product: _Product) -> tuple[object, ...]:
    """Samples, blocks of result channels, and space and kernel as (depth, height, width)."""
    kernel, space = product.filled[2:], product.x.shape[2:]
    ones = (1,) * (3 - len(kernel))
    return product.builder.batch, product.filled[1] // 16, (*ones, *space), (*ones, *kernel)


def _bias(product: _Product, name: str) -> Buffer:
    builder = product.builder
    bias = builder.parameter(name, product.bias_placement)
    if not product.is_apart:
        return bias
    repeated = builder.temporary(f"{name} at each tap", product.bias_layout.size)
    builder.kernel(f"{name} repeat", repeat_bias, [bias], [repeated])
    return repeated


def _backward(product: _Product, x: Buffer, y: Value) -> None:
    builder, name = product.builder, product.group.name
    g = builder.gradient(y)
    if g is None:
        return
    if product.is_apart:
        taps = builder.temporary(f"gradient of {name} taps", y.buffer.size)
        builder.kernel(f"{name} gather", gather, [g], [taps], _extents(product))
        g = taps
    _by_weights(product, x, g)
    if product.x.is_differentiable:
        _by_data(product, g)


def _by_weights(product: _Product, x: Buffer, g: Buffer) -> None:
    builder, slots = product.builder, product.group.first.slots
    name = f"{product.group.name} by weights"
    descriptor = product.choose("backward_weights")
    assert descriptor is not None
    stored = descriptor.memory(Query.WEIGHTS_GRADIENT)
    reads = {Argument.SOURCE: (product.source, x), Argument.RESULT_GRADIENT: (product.result, g)}
    with builder.parameter_gradient(slots[0], product.placement(stored)) as gradient:
        writes = {Argument.WEIGHTS_GRADIENT: (stored, gradient)}
        if product.bias is None:
            builder.primitive(name, descriptor, reads, writes)
            return
        with builder.parameter_gradient(product.bias, product.bias_placement) as shift:
            apart = builder.temporary(f"{name} of taps", product.bias_layout.size)
            writes[Argument.BIAS_GRADIENT] = (
                product.bias_layout,
                apart if product.is_apart else shift,
            )
            builder.primitive(name, descriptor, reads, writes)
            if product.is_apart:
                builder.kernel(f"{name} fold", fold_bias, [apart], [shift])


def _by_data(product: _Product, g: Buffer) -> None:
    builder = product.builder
    descriptor = product.choose("backward_data")
    assert descriptor is not None
    stored = descriptor.memory(Query.WEIGHTS)
    weights = builder.parameter(product.group.first.slots[0], product.placement(stored))
    result = builder.like(product.x, Layout.BLOCKED)
    reads = {Argument.WEIGHTS: (stored, weights), Argument.RESULT_GRADIENT: (product.result, g)}
    writes = {Argument.SOURCE_GRADIENT: (product.source, result)}
    builder.primitive(f"{product.group.name} by data", descriptor, reads, writes)
    builder.contribute(product.x, result, Layout.BLOCKED)

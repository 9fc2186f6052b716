"""Rectification, sums, dropout and softmax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from dhcore._plan.buffers import Buffer, Run, Step
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import Group
from dhcore._plan.kernels import elementwise as kernels
from dhcore._plan.kernels.losses import softmax as softmax_kernel
from dhcore._plan.kernels.losses import softmax_backward
from dhcore._plan.layout import BLOCK, Layout, Strides
from dhcore.random import dropout_mask


def rectified_gradient(builder: Builder, y: Value) -> Buffer | None:
    """Return the gradient of what a rectification took, given the gradients of its result ``y``."""
    if len(y.contributions) == 2:
        first, second = y.contributions
        result = builder.like(y)
        reads = [y.buffer, first, second]
        builder.kernel(f"relu of {y.name}, backward", kernels.relu_backward_of_sum, reads, [result])
        return result
    g = builder.gradient(y)
    if g is None:
        return None
    result = builder.like(y)
    builder.kernel(f"relu of {y.name}, backward", kernels.relu_backward, [y.buffer, g], [result])
    return result


def relu(builder: Builder, group: Group) -> bool:
    """Lower a rectification that could not join the node before it."""
    x = builder.values[group.first.inputs[0]]
    y = builder.define(group.result, x.layout)
    builder.kernel(group.name, kernels.relu, [x.buffer], [y.buffer])

    def backward() -> None:
        g = rectified_gradient(builder, y)
        if g is not None:
            builder.contribute(x, g, y.layout)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True


#: Activations whose derivative follows from their result.
_ACTIVATIONS: Final[dict[str, tuple[Callable[..., None], Callable[..., None]]]] = {
    "sigmoid": (kernels.sigmoid, kernels.sigmoid_backward),
    "tanh": (kernels.tanh, kernels.tanh_backward),
}


def activation(builder: Builder, group: Group) -> bool:
    """Lower an activation."""
    x = builder.values[group.first.inputs[0]]
    forward, derivative = _ACTIVATIONS[group.first.op]
    # The sigmoid of the channels of zeros is not zero: they stay outside.
    layout = x.layout if x.shape and x.count() == x.count(Layout.PLAIN) else Layout.PLAIN
    y = builder.define(group.result, layout)
    builder.kernel(group.name, forward, [builder.read(x, layout)], [y.buffer])

    def backward() -> None:
        g = builder.gradient(y)
        if g is not None:
            result = builder.like(y)
            builder.kernel(f"{group.name}, backward", derivative, [y.buffer, g], [result])
            builder.contribute(x, result, layout)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True


def add(builder: Builder, group: Group) -> bool:
    """Lower ``add`` or ``add, relu`` of two values of one shape."""
    node = group.first
    if len(node.inputs) != 2 or node.slots:
        return False
    a, b = (builder.values[index] for index in node.inputs)
    if a.shape != b.shape or not a.shape:
        return False
    layout = Layout.BLOCKED if Layout.BLOCKED in {a.layout, b.layout} else Layout.PLAIN
    y = builder.define(group.result, layout)
    function = kernels.add_relu if group.has_relu else kernels.accumulate
    builder.kernel(
        group.name, function, [builder.read(a, layout), builder.read(b, layout)], [y.buffer]
    )

    def backward() -> None:
        g = rectified_gradient(builder, y) if group.has_relu else builder.gradient(y)
        if g is not None:
            builder.contribute(a, g, layout)
            builder.contribute(b, g, layout)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True


def dropout(builder: Builder, group: Group) -> bool:
    """Lower dropout: the mask is drawn in canonical order, so the values are those of every other backend."""
    node, x = group.first, builder.values[group.first.inputs[0]]
    rate = float(builder.attributes(group.indices[0])["rate"])
    if not builder.training or rate == 0.0:
        y = builder.define(group.result, x.layout, alias=x.buffer)
        if y.is_differentiable:
            builder.backward.append(lambda: _pass_on(builder, x, y))
        return True
    source = builder.read(x, Layout.PLAIN)
    y = builder.define(group.result, Layout.PLAIN)
    mask = builder.temporary(f"{group.name} mask", y.count() * 4)
    _draw(builder, f"{group.name} mask", mask, (y.shape, rate, group.indices[0]))
    builder.kernel(node.name, kernels.multiply, [source, mask], [y.buffer])

    def backward() -> None:
        g = builder.gradient(y)
        if g is not None:
            result = builder.like(x, Layout.PLAIN)
            builder.kernel(f"{group.name}, backward", kernels.multiply, [g, mask], [result])
            builder.contribute(x, result, Layout.PLAIN)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True


def _pass_on(builder: Builder, x: Value, y: Value) -> None:
    g = builder.gradient(y)
    if g is not None:
        builder.contribute(x, g, y.layout)


def _draw(
    builder: Builder, name: str, mask: Buffer, what: tuple[tuple[int, ...], float, int]
) -> None:
    shape, rate, node = what
    scale = np.float32(1.0 / (1.0 - rate))

    def bind() -> Run:
        memory, call = mask.shaped(shape), builder.call

        def run() -> None:
            np.multiply(dropout_mask(shape, rate, (call.seed, node, call.step)), scale, out=memory)

        return run

    builder.steps.append(Step(name, (), (mask,), bind))


def softmax(builder: Builder, group: Group) -> bool:
    """Lower softmax over the channels."""
    x = builder.values[group.first.inputs[0]]
    axis = builder.attributes(group.indices[0])["axis"]
    if axis not in {1, 1 - len(x.shape)} or len(x.shape) < 2:
        return False
    layout = x.layout
    y = builder.define(group.result, layout)
    shape, strides = extents(x), strides_of(x, layout)
    if layout is Layout.BLOCKED and x.shape[1] % BLOCK:
        # The channels of zeros stay zero.
        builder.kernel(f"{group.name} clear", kernels.clear, [], [y.buffer])
    builder.kernel(group.name, softmax_kernel, [x.buffer], [y.buffer], (shape, strides))

    def backward() -> None:
        g = builder.gradient(y)
        if g is None:
            return
        result = builder.like(y)
        if layout is Layout.BLOCKED and x.shape[1] % BLOCK:
            builder.kernel(f"{group.name} clear", kernels.clear, [], [result])
        builder.kernel(
            f"{group.name}, backward", softmax_backward, [y.buffer, g], [result], (shape, strides)
        )
        builder.contribute(x, result, layout)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True


def extents(x: Value) -> tuple[int, int, int]:
    """Return samples, channels and pixels of a value."""
    pixels = 1
    for extent in x.shape[2:]:
        pixels *= extent
    return x.shape[0], x.shape[1] if len(x.shape) > 1 else 1, pixels


def strides_of(x: Value, layout: Layout) -> tuple[int, int, int, int]:
    """Return the strides that kernels take: of samples, blocks, channels and pixels."""
    shape = x.shape if len(x.shape) > 1 else (*x.shape, 1)
    strides = Strides.of(shape, layout)
    return strides.sample, strides.block, strides.channel, strides.pixel

"""Losses, with their gradient in the same pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from dhcore._plan.buffers import Buffer, Run, Step
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import Group
from dhcore._plan.kernels import losses as kernels
from dhcore._plan.kernels.elementwise import clear, scale
from dhcore._plan.layout import BLOCK, Layout
from dhcore._plan.lowering.elementwise import extents, strides_of

_KERNELS: Final[dict[str, Callable[..., None]]] = {
    "softmax_cross_entropy": kernels.softmax_cross_entropy,
    "binary_cross_entropy": kernels.binary_cross_entropy,
    "dice_loss": kernels.dice_loss,
    "mean_squared_error": kernels.mean_squared_error,
}


def loss(builder: Builder, group: Group) -> bool:
    """Lower a loss; its gradient is ready when its value is."""
    node = group.first
    if node.slots or len(node.inputs) not in {2, 3}:
        return False
    prediction, target = builder.values[node.inputs[0]], builder.values[node.inputs[1]]
    if target.is_differentiable:
        return False
    layout = prediction.layout
    wanted = builder.read(target, Layout.PLAIN)
    share = _share(builder, group)
    parts = builder.temporary(f"{group.name} parts", 4 * builder.batch * kernels.PIECES)
    gradient = builder.like(prediction)
    y = builder.define(group.result, Layout.PLAIN)
    constants: tuple[object, ...] = (extents(prediction), strides_of(prediction, layout))
    if node.op == "dice_loss":
        constants = (*constants, float(builder.attributes(group.indices[0])["smooth"]))
    if layout is Layout.BLOCKED and prediction.shape[1] % BLOCK:
        # The gradient of the channels of zeros is zero.
        builder.kernel(f"{group.name} clear", clear, [], [gradient])
    reads = [prediction.buffer, wanted, share]
    builder.kernel(group.name, _KERNELS[node.op], reads, [parts, gradient], constants)
    builder.kernel(f"{group.name} mean", kernels.weighted_mean, [parts, share], [y.buffer])
    if y.is_differentiable:
        builder.backward.append(lambda: _backward(builder, prediction, y, gradient))
    return True


def _share(builder: Builder, group: Group) -> Buffer:
    """What each sample contributes to the mean."""
    share = builder.temporary(f"{group.name} shares", 4 * builder.batch)
    if len(group.first.inputs) == 3:
        weight = builder.read(builder.values[group.first.inputs[2]], Layout.PLAIN)
        builder.kernel(f"{group.name} shares", kernels.shares, [weight], [share])
    else:
        value = np.float32(1.0 / builder.batch)

        def bind() -> Run:
            memory = share.floats
            return lambda: memory.fill(value)

        builder.steps.append(Step(f"{group.name} shares", (), (share,), bind))
    return share


def _backward(builder: Builder, prediction: Value, y: Value, gradient: Buffer) -> None:
    upstream = builder.gradient(y)
    if upstream is None:
        return
    if upstream is not builder.seed:
        scaled = builder.like(prediction)
        builder.kernel(f"{y.name} scale", scale, [gradient, upstream], [scaled])
        gradient = scaled
    builder.contribute(prediction, gradient, prediction.layout)

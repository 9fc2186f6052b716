"""Joining channels, flattening, enlarging."""

from __future__ import annotations

from dhcore._backends.cpu.onednn import operations
from dhcore._backends.cpu.onednn.constants import Argument
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import Group
from dhcore._plan.kernels import channels as kernels
from dhcore._plan.layout import BLOCK, Layout, can_block, described, element_count


def concatenate(builder: Builder, group: Group) -> bool:
    """Lower the concatenation of channels: each input is a box of the result."""
    inputs = [builder.values[index] for index in group.first.inputs]
    axis = builder.attributes(group.indices[0])["axis"]
    if axis != 1 or group.first.slots:
        return False
    # Whole blocks keep their places when they are put together.
    whole = all(x.shape[1] % BLOCK == 0 and can_block(x.shape) for x in inputs)
    layout = Layout.BLOCKED if whole else Layout.PLAIN
    buffers = [builder.read(x, layout) for x in inputs]
    y = builder.define(group.result, layout)
    boxes, start = [], 0
    for x in inputs:
        offsets = (0, start, *(0 for _ in x.shape[2:]))
        boxes.append(
            (described(x.shape, layout), described(y.shape, layout).part(x.shape, offsets))
        )
        start += x.shape[1]
    for x, buffer, (dense, box) in zip(inputs, buffers, boxes, strict=True):
        builder.copy_layout(f"{group.name} from {x.name}", (dense, buffer), (box, y.buffer))

    def backward() -> None:
        g = builder.gradient(y)
        if g is None:
            return
        for x, (dense, box) in zip(inputs, boxes, strict=True):
            if x.is_differentiable:
                result = builder.like(x, layout)
                builder.copy_layout(f"{group.name} to {x.name}", (box, g), (dense, result))
                builder.contribute(x, result, layout)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True


def reshape(builder: Builder, group: Group) -> bool:
    """Lower a reshape of each sample: the same memory under another shape."""
    x = builder.values[group.first.inputs[0]]
    if builder.shape(group.result)[:1] != x.shape[:1]:
        return False
    # One pixel of whole blocks of channels lies in memory as if it were plain.
    is_pixel = x.layout is Layout.BLOCKED and x.count() == x.shape[1] * builder.batch
    layout = x.layout if is_pixel else Layout.PLAIN
    y = builder.define(group.result, Layout.PLAIN, alias=builder.read(x, layout))

    def backward() -> None:
        g = builder.gradient(y)
        if g is not None:
            builder.contribute(x, g, layout)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True


def upsample(builder: Builder, group: Group) -> bool:
    """Lower enlargement by whole factors."""
    attributes = builder.attributes(group.indices[0])
    x = builder.values[group.first.inputs[0]]
    if not can_block(x.shape):
        return False
    return (_nearest if attributes["mode"] == "nearest" else _linear)(
        builder, group, x, attributes["factor"]
    )


def _nearest(builder: Builder, group: Group, x: Value, factor: tuple[int, ...]) -> bool:
    layout, y = x.layout, builder.define(group.result, x.layout)
    lanes = BLOCK if layout is Layout.BLOCKED else 1
    size = (1,) * (5 - len(x.shape)) + x.shape[2:]
    factors = (1,) * (3 - len(factor)) + tuple(factor)
    planes = x.count() // (lanes * element_count(x.shape[2:], Layout.PLAIN))
    constants = (planes, size, factors, lanes)
    builder.kernel(group.name, kernels.upsample_nearest, [x.buffer], [y.buffer], constants)

    def backward() -> None:
        g = builder.gradient(y)
        if g is not None:
            result = builder.like(x)
            builder.kernel(
                f"{group.name}, backward",
                kernels.upsample_nearest_backward,
                [g],
                [result],
                constants,
            )
            builder.contribute(x, result, layout)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True


def _linear(builder: Builder, group: Group, x: Value, factor: tuple[int, ...]) -> bool:
    source = described(x.shape, Layout.BLOCKED)
    target = described(builder.shape(group.result), Layout.BLOCKED)
    factors = [float(number) for number in factor]
    forward = operations.resampling("forward", factors, source, target)
    if forward is None:
        return False
    by_data = operations.resampling("backward", factors, source, target, hint=forward)
    if builder.training and by_data is None:
        return False
    buffer = builder.read(x, Layout.BLOCKED)
    y = builder.define(group.result, Layout.BLOCKED)
    builder.primitive(
        group.name,
        forward,
        {Argument.SOURCE: (source, buffer)},
        {Argument.RESULT: (target, y.buffer)},
    )

    def backward() -> None:
        g = builder.gradient(y)
        if g is not None and by_data is not None:
            result = builder.like(x, Layout.BLOCKED)
            reads, writes = (
                {Argument.RESULT_GRADIENT: (target, g)},
                {Argument.SOURCE_GRADIENT: (source, result)},
            )
            builder.primitive(f"{group.name}, backward", by_data, reads, writes)
            builder.contribute(x, result, Layout.BLOCKED)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True

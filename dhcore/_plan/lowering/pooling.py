"""Pooling over windows and over all of space."""

from __future__ import annotations

from typing import Any

from dhcore._backends.cpu.onednn import operations
from dhcore._backends.cpu.onednn.constants import Algorithm, Argument, Query
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor
from dhcore._backends.cpu.onednn.operations import Window
from dhcore._backends.cpu.onednn.primitive import PrimitiveDescriptor
from dhcore._plan.buffers import Buffer
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import Group
from dhcore._plan.kernels.channels import global_average, global_average_backward
from dhcore._plan.layout import Layout, can_block, described
from dhcore._plan.lowering.elementwise import extents, strides_of


def pool(builder: Builder, group: Group) -> bool:
    """Lower max and average pooling."""
    x = builder.values[group.first.inputs[0]]
    if not can_block(x.shape):
        return False
    attributes: Any = builder.attributes(group.indices[0])
    low, high = zip(*attributes["padding"], strict=True)
    kernel = attributes["kernel"]
    window = Window(
        attributes["stride"], low, _fitted(x, group, attributes), (1,) * len(kernel), kernel
    )
    algorithm = _algorithm(group.first.op, attributes)
    if algorithm is Algorithm.AVERAGE_POOL_INCLUDE_PADDING and window.high != high:
        return False
    source = described(x.shape, Layout.BLOCKED)
    result = described((builder.batch, *group.first.shape), Layout.BLOCKED)
    forward = operations.pooling(
        "forward", algorithm, source, result, window, training=builder.training
    )
    if forward is None:
        return False
    by_data = operations.pooling("backward", algorithm, source, result, window, hint=forward)
    if builder.training and by_data is None:
        return False
    buffer = builder.read(x, Layout.BLOCKED)
    y = builder.define(group.result, Layout.BLOCKED)
    kept = {}
    if size := forward.size(Query.WORKSPACE):
        places = builder.temporary(f"{group.name} places", size)
        kept = {Argument.WORKSPACE: (forward.memory(Query.WORKSPACE), places)}
    reads = {Argument.SOURCE: (source, buffer)}
    builder.primitive(group.name, forward, reads, {Argument.RESULT: (result, y.buffer), **kept})
    if y.is_differentiable and by_data is not None:
        builder.backward.append(lambda: _backward(builder, (x, y), by_data, (source, result), kept))
    return True


def _algorithm(op: str, attributes: Any) -> Algorithm:
    if op == "max_pool":
        return Algorithm.MAX_POOL
    if attributes["count_include_pad"]:
        return Algorithm.AVERAGE_POOL_INCLUDE_PADDING
    return Algorithm.AVERAGE_POOL_EXCLUDE_PADDING


def _fitted(x: Value, group: Group, attributes: Any) -> tuple[int, ...]:
    """Padding above that the windows really reach: oneDNN takes no remainder."""
    return tuple(
        (count - 1) * stride + extent - size - low
        for count, stride, extent, size, (low, _) in zip(
            group.first.shape[1:],
            attributes["stride"],
            attributes["kernel"],
            x.shape[2:],
            attributes["padding"],
            strict=True,
        )
    )


def _backward(
    builder: Builder,
    values: tuple[Value, Value],
    descriptor: PrimitiveDescriptor,
    layouts: tuple[MemoryDescriptor, MemoryDescriptor],
    kept: dict[Argument, tuple[MemoryDescriptor, Buffer]],
) -> None:
    x, y = values
    g = builder.gradient(y)
    if g is None:
        return
    result = builder.like(x, Layout.BLOCKED)
    reads = {Argument.RESULT_GRADIENT: (layouts[1], g), **kept}
    writes = {Argument.SOURCE_GRADIENT: (layouts[0], result)}
    builder.primitive(f"{y.name}, backward", descriptor, reads, writes)
    builder.contribute(x, result, Layout.BLOCKED)


def global_average_pool(builder: Builder, group: Group) -> bool:
    """Lower the mean over all of space."""
    x = builder.values[group.first.inputs[0]]
    if len(x.shape) < 3:
        return False
    y = builder.define(group.result, Layout.PLAIN)
    samples, channels, pixels = extents(x)
    constants = (samples, channels, pixels, strides_of(x, x.layout))
    builder.kernel(group.name, global_average, [x.buffer], [y.buffer], constants)

    def backward() -> None:
        g = builder.gradient(y)
        if g is not None:
            result = builder.like(x)
            builder.kernel(
                f"{group.name}, backward", global_average_backward, [g], [result], constants
            )
            builder.contribute(x, result, x.layout)

    if y.is_differentiable:
        builder.backward.append(backward)
    return True

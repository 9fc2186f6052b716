"""Fully connected layers, as matrix products on weights in canonical order."""

from __future__ import annotations

from dhcore._backends.cpu.onednn import operations
from dhcore._backends.cpu.onednn.constants import Argument
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor
from dhcore._plan.buffers import Buffer
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import Group
from dhcore._plan.layout import Layout
from dhcore._plan.lowering.elementwise import rectified_gradient
from dhcore._plan.state import Placement


def linear(builder: Builder, group: Group) -> bool:
    """Lower ``linear`` or ``linear, relu``."""
    node = group.first
    if len(node.inputs) != 1 or len(node.slots) not in {1, 2}:
        return False
    x = builder.values[node.inputs[0]]
    weight = builder.state.slot(node.slots[0]).shape
    source, weights, bias, result = _layouts(builder, group)
    forward = operations.inner_product(
        "forward", source, weights, bias, result, relu=group.has_relu
    )
    if forward is None or len(x.shape) != 2:
        return False
    buffer = builder.read(x, Layout.PLAIN)
    y = builder.define(group.result, Layout.PLAIN)
    reads = {
        Argument.SOURCE: (source, buffer),
        Argument.WEIGHTS: (weights, builder.parameter(node.slots[0], Placement(weight))),
    }
    if bias is not None:
        reads[Argument.BIAS] = (bias, builder.parameter(node.slots[1], Placement((weight[0],))))
    builder.primitive(group.name, forward, reads, {Argument.RESULT: (result, y.buffer)})
    if y.is_differentiable:
        builder.backward.append(lambda: _backward(builder, group, (x, buffer), y))
    return True


def _layouts(
    builder: Builder, group: Group
) -> tuple[MemoryDescriptor, MemoryDescriptor, MemoryDescriptor | None, MemoryDescriptor]:
    outputs, inputs = builder.state.slot(group.first.slots[0]).shape
    bias = MemoryDescriptor.plain((outputs,)) if len(group.first.slots) == 2 else None
    return (
        MemoryDescriptor.plain((builder.batch, inputs)),
        MemoryDescriptor.plain((outputs, inputs)),
        bias,
        MemoryDescriptor.plain((builder.batch, outputs)),
    )


def _backward(builder: Builder, group: Group, read: tuple[Value, Buffer], y: Value) -> None:
    g = rectified_gradient(builder, y) if group.has_relu else builder.gradient(y)
    if g is None:
        return
    x, buffer = read
    source, weights, bias, result = _layouts(builder, group)
    by_weights = operations.inner_product("backward_weights", source, weights, bias, result)
    assert by_weights is not None
    shape = builder.state.slot(group.first.slots[0]).shape
    reads = {Argument.SOURCE: (source, buffer), Argument.RESULT_GRADIENT: (result, g)}
    with builder.parameter_gradient(group.first.slots[0], Placement(shape)) as gradient:
        writes = {Argument.WEIGHTS_GRADIENT: (weights, gradient)}
        if bias is None:
            builder.primitive(f"{group.name} by weights", by_weights, reads, writes)
        else:
            with builder.parameter_gradient(group.first.slots[1], Placement(shape[:1])) as shift:
                writes[Argument.BIAS_GRADIENT] = (bias, shift)
                builder.primitive(f"{group.name} by weights", by_weights, reads, writes)
    if x.is_differentiable:
        by_data = operations.inner_product("backward_data", source, weights, None, result)
        assert by_data is not None
        product = builder.like(x, Layout.PLAIN)
        memory = builder.parameter(group.first.slots[0], Placement(shape))
        reads = {Argument.WEIGHTS: (weights, memory), Argument.RESULT_GRADIENT: (result, g)}
        builder.primitive(
            f"{group.name} by data", by_data, reads, {Argument.SOURCE_GRADIENT: (source, product)}
        )
        builder.contribute(x, product, Layout.PLAIN)

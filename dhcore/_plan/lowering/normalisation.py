"""Batch normalisation, with the rectification that follows it."""

from __future__ import annotations

from collections import Counter

from dhcore._backends.cpu.onednn import operations
from dhcore._backends.cpu.onednn.constants import Argument, Query
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor
from dhcore._backends.cpu.onednn.primitive import PrimitiveDescriptor
from dhcore._plan.buffers import Buffer
from dhcore._plan.builder import Builder, Statistic, Value
from dhcore._plan.fusion import Group
from dhcore._plan.layout import Layout, can_block, described, padded
from dhcore._plan.state import Placement


def batch_norm(builder: Builder, group: Group) -> bool:
    """Lower ``batch_norm`` or ``batch_norm, relu``."""
    node = group.first
    x = builder.values[node.inputs[0]]
    if len(node.inputs) != 1 or len(node.slots) != 4 or not can_block(x.shape):
        return False
    if builder.training and _is_shared(builder, node.slots[2]):
        # Two updates of one running mean follow each other: the generic steps do it in order.
        return False
    attributes = builder.attributes(group.indices[0])
    data, epsilon = described(x.shape, Layout.BLOCKED), float(attributes["epsilon"])
    given = not builder.training
    forward = operations.batch_norm("forward", data, epsilon, relu=group.has_relu, given=given)
    if forward is None:
        return False
    source = builder.read(x, Layout.BLOCKED)
    y = builder.define(group.result, Layout.BLOCKED)
    vector, placement = (
        MemoryDescriptor.plain((padded(x.shape[1]),)),
        Placement((padded(x.shape[1]),)),
    )
    scale, shift, mean, variance = (builder.parameter(name, placement) for name in node.slots)
    reads = {
        Argument.SOURCE: (data, source),
        Argument.SCALE: (vector, scale),
        Argument.SHIFT: (vector, shift),
    }
    writes = {Argument.RESULT: (data, y.buffer)}
    statistics = {Argument.MEAN: (vector, mean), Argument.VARIANCE: (vector, variance)}
    if given:
        builder.primitive(group.name, forward, {**reads, **statistics}, writes)
        return True
    for name, key in zip(node.slots[2:], statistics, strict=True):
        statistics[key] = (vector, builder.state.gradient(name))
    mask = {}
    if group.has_relu:
        memory = builder.temporary(f"{group.name} mask", forward.size(Query.WORKSPACE))
        mask = {Argument.WORKSPACE: (forward.memory(Query.WORKSPACE), memory)}
    builder.primitive(group.name, forward, reads, {**writes, **statistics, **mask})
    count = builder.batch
    for extent in x.shape[2:]:
        count *= extent
    momentum = float(attributes["momentum"])
    builder.statistics.append(Statistic(node.slots[2], momentum, 1.0))
    builder.statistics.append(Statistic(node.slots[3], momentum, count / max(count - 1, 1)))
    if y.is_differentiable:
        kept = {**reads, **statistics, **mask}
        builder.backward.append(lambda: _backward(builder, group, (x, y), forward, kept))
    return True


def _is_shared(builder: Builder, slot: str) -> bool:
    return Counter(name for node in builder.graph.nodes for name in node.slots)[slot] > 1


def _backward(
    builder: Builder,
    group: Group,
    values: tuple[Value, Value],
    forward: PrimitiveDescriptor,
    reads: dict[Argument, tuple[MemoryDescriptor, Buffer]],
) -> None:
    x, y = values
    g = builder.gradient(y)
    if g is None:
        return
    data, vector = reads[Argument.SOURCE][0], reads[Argument.SCALE][0]
    epsilon = float(builder.attributes(group.indices[0])["epsilon"])
    descriptor = operations.batch_norm("backward", data, epsilon, relu=group.has_relu, hint=forward)
    assert descriptor is not None
    result = builder.like(x, Layout.BLOCKED)
    placement = Placement((padded(x.shape[1]),))
    names = group.first.slots
    with (
        builder.parameter_gradient(names[0], placement) as scale,
        builder.parameter_gradient(names[1], placement) as shift,
    ):
        writes = {
            Argument.SOURCE_GRADIENT: (data, result),
            Argument.SCALE_GRADIENT: (vector, scale),
            Argument.SHIFT_GRADIENT: (vector, shift),
        }
        arguments = {**reads, Argument.RESULT_GRADIENT: (data, g)}
        builder.primitive(f"{group.name}, backward", descriptor, arguments, writes)
    builder.contribute(x, result, Layout.BLOCKED)

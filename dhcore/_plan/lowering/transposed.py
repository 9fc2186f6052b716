"""Transposed convolution, through the deconvolution of oneDNN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from dhcore._backends.cpu.onednn import operations
from dhcore._backends.cpu.onednn.constants import Argument, Query
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor
from dhcore._backends.cpu.onednn.operations import Direction, Window
from dhcore._backends.cpu.onednn.primitive import PrimitiveDescriptor
from dhcore._plan.buffers import Buffer
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import Group
from dhcore._plan.layout import Layout, can_block, described, padded
from dhcore._plan.state import Placement


@final
@dataclass(frozen=True, slots=True)
class _Transposed:
    """One transposed convolution with the layouts that its primitives take."""

    builder: Builder
    group: Group
    x: Value
    source: MemoryDescriptor
    result: MemoryDescriptor
    #: (C, O, *K) with filled channels, as the graph names the axes; oneDNN wants (O, C, *K).
    filled: tuple[int, ...]
    window: Window

    @property
    def axes(self) -> tuple[int, ...]:
        """Weights as the primitive names their axes."""
        return (self.filled[1], self.filled[0], *self.filled[2:])

    def choose(self, direction: Direction) -> PrimitiveDescriptor | None:
        """Describe it or a derivative with the layout of weights that suits it."""
        has_bias = len(self.group.first.slots) == 2 and direction != "backward_data"
        bias = MemoryDescriptor.plain((self.filled[1],)) if has_bias else None
        weights = MemoryDescriptor.any_order(self.axes)
        return operations.deconvolution(
            direction, self.source, weights, bias, self.result, self.window
        )

    def placement(self, stored: MemoryDescriptor) -> Placement:
        """Return the placement of the weights in a layout."""
        taps = 1
        for extent in self.filled[2:]:
            taps *= extent
        inner = [1] * len(self.filled)
        for axis in range(len(self.filled) - 2, 1, -1):
            inner[axis] = inner[axis + 1] * self.filled[axis + 1]
        strides = (taps, taps * self.filled[1], *inner[2:])
        return Placement(self.filled, MemoryDescriptor.strided(self.axes, strides), stored)

    def bias(self, memory: Buffer) -> tuple[MemoryDescriptor, Buffer]:
        """Return the bias or its gradient as an argument."""
        return MemoryDescriptor.plain((self.filled[1],)), memory


def convolution_transpose(builder: Builder, group: Group) -> bool:
    """Lower a transposed convolution without groups."""
    plan = _plan(builder, group)
    forward = plan.choose("forward") if plan else None
    if plan is None or forward is None:
        return False
    if builder.training and (
        plan.choose("backward_data") is None or plan.choose("backward_weights") is None
    ):
        return False
    x = builder.read(plan.x, Layout.BLOCKED)
    y = builder.define(group.result, Layout.BLOCKED)
    weights, slots = forward.memory(Query.WEIGHTS), group.first.slots
    reads = {
        Argument.SOURCE: (plan.source, x),
        Argument.WEIGHTS: (weights, builder.parameter(slots[0], plan.placement(weights))),
    }
    if len(slots) == 2:
        reads[Argument.BIAS] = plan.bias(builder.parameter(slots[1], Placement((plan.filled[1],))))
    builder.primitive(group.name, forward, reads, {Argument.RESULT: (plan.result, y.buffer)})
    if y.is_differentiable:
        builder.backward.append(lambda: _backward(plan, x, y))
    return True


def _plan(builder: Builder, group: Group) -> _Transposed | None:
    node = group.first
    x = builder.values[node.inputs[0]]
    attributes: Any = builder.attributes(group.indices[0])
    is_simple = len(node.inputs) == 1 and len(node.slots) in {1, 2} and attributes["groups"] == 1
    if not is_simple or not can_block(x.shape):
        return None
    weight = builder.state.slot(node.slots[0]).shape
    low, high = zip(*attributes["padding"], strict=True)
    # Output padding adds pixels above: the same as less padding there.
    above = tuple(
        pad - extra for pad, extra in zip(high, attributes["output_padding"], strict=True)
    )
    if min(above) < 0:
        return None
    return _Transposed(
        builder,
        group,
        x,
        described(x.shape, Layout.BLOCKED),
        described(builder.shape(group.result), Layout.BLOCKED),
        (padded(weight[0]), padded(weight[1]), *weight[2:]),
        Window(attributes["stride"], low, above, attributes["dilation"]),
    )


def _backward(plan: _Transposed, x: Buffer, y: Value) -> None:
    builder, name, slots = plan.builder, plan.group.name, plan.group.first.slots
    g = builder.gradient(y)
    if g is None:
        return
    by_weights = plan.choose("backward_weights")
    assert by_weights is not None
    stored = by_weights.memory(Query.WEIGHTS_GRADIENT)
    reads = {Argument.SOURCE: (plan.source, x), Argument.RESULT_GRADIENT: (plan.result, g)}
    with builder.parameter_gradient(slots[0], plan.placement(stored)) as gradient:
        writes = {Argument.WEIGHTS_GRADIENT: (stored, gradient)}
        if len(slots) == 1:
            builder.primitive(f"{name} by weights", by_weights, reads, writes)
        else:
            with builder.parameter_gradient(slots[1], Placement((plan.filled[1],))) as shift:
                writes[Argument.BIAS_GRADIENT] = plan.bias(shift)
                builder.primitive(f"{name} by weights", by_weights, reads, writes)
    if plan.x.is_differentiable:
        by_data = plan.choose("backward_data")
        assert by_data is not None
        stored = by_data.memory(Query.WEIGHTS)
        weights = builder.parameter(slots[0], plan.placement(stored))
        result = builder.like(plan.x, Layout.BLOCKED)
        reads = {Argument.WEIGHTS: (stored, weights), Argument.RESULT_GRADIENT: (plan.result, g)}
        builder.primitive(
            f"{name} by data", by_data, reads, {Argument.SOURCE_GRADIENT: (plan.source, result)}
        )
        builder.contribute(plan.x, result, Layout.BLOCKED)

"""Any operation of the table, on plain arrays with the kernels of the CPU: always right, not always fast."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np

from dhcore._backends.registry import Kernels, kernels
from dhcore._ops.operation import Call
from dhcore._ops.table import evaluate, filled, operation
from dhcore._plan.buffers import Buffer, Floats, Run, Step
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import Group
from dhcore._plan.layout import Layout
from dhcore._plan.state import Placement
from dhcore.device import Device

_CPU: Final = Device("cpu")


@final
@dataclass(slots=True)
class _Application:
    """One node: its arrays, and the call that its derivative needs."""

    builder: Builder
    index: int
    inputs: list[Value]
    attributes: Mapping[str, Any]
    call: Call | None = None
    arrays: list[Floats] = field(default_factory=list)

    def run(self, result: Floats, kernels: Kernels) -> None:
        """Compute the node into its memory; buffers that it updates change here."""
        node = self.builder.graph.nodes[self.index]
        training, call = self.builder.training, self.builder.call
        row = operation(node.op)
        self.call = evaluate(
            row,
            kernels,
            filled(row, self.arrays),
            self.attributes,
            needs=self.needs(),
            training=training,
            key=(call.seed, self.index, call.step),
        )
        np.copyto(result, self.call.output, casting="same_kind")
        for position, value in self.call.updates.items():
            self.arrays[position][...] = value
        if not training:
            # What a derivative would need is not kept.
            self.call = None

    def needs(self) -> tuple[bool, ...]:
        """Which arguments a gradient is wanted for."""
        state, node = self.builder.state, self.builder.graph.nodes[self.index]
        from_inputs = [x.is_differentiable for x in self.inputs]
        from_slots = [
            state.slot(name).role == "parameter" and self.builder.training for name in node.slots
        ]
        row, wanted = operation(node.op), (*from_inputs, *from_slots)
        return wanted if row.variadic else (*wanted, *(False,) * (len(row.arguments) - len(wanted)))


def generic(builder: Builder, group: Group) -> None:
    """Lower any node."""
    index, node = group.indices[0], group.first
    inputs = [builder.values[i] for i in node.inputs]
    reads = [builder.read(x, Layout.PLAIN) for x in inputs]
    reads += [
        builder.parameter(name, Placement(builder.state.slot(name).shape)) for name in node.slots
    ]
    shapes = [x.shape for x in inputs] + [builder.state.slot(name).shape for name in node.slots]
    y = builder.define(index, Layout.PLAIN)
    application = _Application(builder, index, inputs, builder.lowered(index))

    def bind() -> Run:
        application.arrays = [
            buffer.shaped(shape) for buffer, shape in zip(reads, shapes, strict=True)
        ]
        result, device = y.buffer.shaped(y.shape), kernels(_CPU)
        return lambda: application.run(result, device)

    builder.steps.append(Step(f"{group.name} [generic]", tuple(reads), (y.buffer,), bind))
    if y.is_differentiable:
        builder.backward.append(lambda: _backward(application, group, reads, y))


def _backward(application: _Application, group: Group, reads: list[Buffer], y: Value) -> None:
    builder = application.builder
    g = builder.gradient(y)
    if g is None:
        return
    parts = [
        builder.like(x, Layout.PLAIN) if x.is_differentiable else None for x in application.inputs
    ]
    targets = [
        part and _Target(part, x.shape) for part, x in zip(parts, application.inputs, strict=True)
    ]
    with ExitStack() as open_gradients:
        for name in group.first.slots:
            slot = builder.state.slot(name)
            if slot.role == "parameter":
                memory = builder.parameter_gradient(name, Placement(slot.shape))
                targets.append(_Target(open_gradients.enter_context(memory), slot.shape))
            else:
                targets.append(None)
        _emit(application, group, (y, g, reads), targets)
    for x, part in zip(application.inputs, parts, strict=True):
        if part is not None:
            builder.contribute(x, part, Layout.PLAIN)


@final
@dataclass(frozen=True, slots=True)
class _Target:
    buffer: Buffer
    shape: tuple[int, ...]


def _emit(
    application: _Application,
    group: Group,
    read: tuple[Value, Buffer, list[Buffer]],
    targets: list[_Target | None],
) -> None:
    y, g, reads = read

    def bind() -> Run:
        results = [target and target.buffer.shaped(target.shape) for target in targets]
        gradient = g.shaped(y.shape)

        def run() -> None:
            call, application.call = application.call, None
            assert call is not None, f"{group.name}: backward before forward"
            for result, value in zip(results, call.backward(gradient), strict=False):
                if result is not None:
                    np.copyto(result, 0.0 if value is None else value, casting="same_kind")

        return run

    writes = tuple(target.buffer for target in targets if target is not None)
    # What the call kept may be views of what it read and made: those have to live until now.
    name = f"{group.name}, backward [generic]"
    application.builder.steps.append(Step(name, (g, y.buffer, *reads), writes, bind))

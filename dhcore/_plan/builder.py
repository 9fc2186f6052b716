"""What a lowering writes into: values with their layouts, steps in order, gradients as they come in.

Reading a value in another layout inserts a reorder once. A value that several operations read gets one contribution of
gradient from each; :meth:`Builder.gradient` adds them up, and fused kernels may take them apart instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, final

from dhcore._backends.cpu.onednn import operations
from dhcore._backends.cpu.onednn.constants import Argument, Query
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor
from dhcore._backends.cpu.onednn.primitive import Primitive, PrimitiveDescriptor
from dhcore._ops.graph import Graph
from dhcore._ops.table import filled, operation
from dhcore._plan.buffers import Buffer, Run, Step
from dhcore._plan.kernels.elementwise import accumulate
from dhcore._plan.layout import Layout, described, element_count
from dhcore._plan.state import Placement, State

_FLOAT: Final = 4


@final
@dataclass(slots=True, eq=False)
class Value:
    """The result of a node for a whole batch."""

    name: str
    #: With the batch.
    shape: tuple[int, ...]
    layout: Layout
    buffer: Buffer
    #: Whether a gradient has to flow through it.
    is_differentiable: bool
    copies: dict[Layout, Buffer] = field(default_factory=dict)
    #: Gradients, in its own layout, one from each reader.
    contributions: list[Buffer] = field(default_factory=list)

    def count(self, layout: Layout | None = None) -> int:
        """Return how many elements it takes in memory."""
        return element_count(self.shape, layout or self.layout)


@final
@dataclass(slots=True)
class Call:
    """Numbers that change from call to call and that steps read when they run."""

    seed: int = 0
    step: int = 0


@final
@dataclass(frozen=True, slots=True)
class Statistic:
    """A running statistic: ``running += momentum * (factor * of the batch - running)``."""

    slot: str
    momentum: float
    factor: float


@final
class Builder:
    """Collects the steps of one program."""

    def __init__(
        self, graph: Graph, state: State, batch: int, *, training: bool, portable: bool
    ) -> None:
        self.graph: Final = graph
        self.state: Final = state
        self.batch: Final = batch
        self.training: Final = training
        self.portable: Final = portable
        self.call: Final = Call()
        self.steps: Final[list[Step]] = []
        self.values: Final[dict[int, Value]] = {}
        self.backward: Final[list[Callable[[], None]]] = []
        self.scratch: Final = Buffer("scratchpad", 0)
        #: The gradient of the loss with respect to itself.
        self.seed: Final = Buffer("seed", _FLOAT)
        self.statistics: Final[list[Statistic]] = []
        self._scalars: Final = _scalars(graph)
        self._learned: Final = _learned(graph)
        self._written: Final[set[str]] = set()

    # values

    def shape(self, index: int) -> tuple[int, ...]:
        """Return the shape of a node with the batch; a loss has none."""
        return () if index in self._scalars else (self.batch, *self.graph.nodes[index].shape)

    def lowered(self, index: int) -> Mapping[str, Any]:
        """Return the attributes of a node for this batch, as they were given."""
        node = self.graph.nodes[index]
        return operation(node.op).lower(node.attributes, self.batch)

    def attributes(self, index: int) -> Mapping[str, Any]:
        """Return the attributes of a node for this batch, complete."""
        node = self.graph.nodes[index]
        shapes = [self.shape(i) for i in node.inputs] + [
            self.state.slot(name).shape for name in node.slots
        ]
        row = operation(node.op)
        return row.completed(filled(row, shapes), self.lowered(index))

    def define(self, index: int, layout: Layout, *, alias: Buffer | None = None) -> Value:
        """Make the value of a node, in memory of its own or in another's."""
        node, shape = self.graph.nodes[index], self.shape(index)
        name = node.name or f"{node.op} {index}"
        buffer = alias or self.temporary(name, element_count(shape, layout) * _FLOAT)
        differentiable = self.training and index in self._learned
        value = Value(name, shape, layout, buffer, differentiable)
        self.values[index] = value
        return value

    def temporary(self, name: str, size: int) -> Buffer:
        """Return memory that lives as long as steps use it."""
        return Buffer(name, max(size, _FLOAT))

    def like(self, value: Value, layout: Layout | None = None) -> Buffer:
        """Return memory for a gradient of a value."""
        return self.temporary(f"gradient of {value.name}", value.count(layout) * _FLOAT)

    def read(self, value: Value, layout: Layout) -> Buffer:
        """Return a value in a layout; the reorder happens once."""
        if layout is value.layout:
            return value.buffer
        if layout not in value.copies:
            copy = self.temporary(f"{value.name} {layout.value}", value.count(layout) * _FLOAT)
            self._reorder(value, value.buffer, value.layout, copy, layout)
            value.copies[layout] = copy
        return value.copies[layout]

    def _reorder(
        self, value: Value, source: Buffer, before: Layout, target: Buffer, after: Layout
    ) -> None:
        self.copy_layout(
            f"reorder {value.name}",
            (described(value.shape, before, filled=False), source),
            (described(value.shape, after, filled=False), target),
        )

    # gradients

    def contribute(self, value: Value, gradient: Buffer, layout: Layout) -> None:
        """Hand in the gradient of the loss with respect to a value, from one of its readers."""
        if not value.is_differentiable:
            return
        if layout is not value.layout:
            converted = self.like(value)
            self._reorder(value, gradient, layout, converted, value.layout)
            gradient = converted
        value.contributions.append(gradient)

    def gradient(self, value: Value) -> Buffer | None:
        """Return the whole gradient of a value in its own layout; ``None`` when the loss does not depend on it."""
        if not value.contributions:
            return None
        total, *others = value.contributions
        for other in others:
            result = self.like(value)
            self.kernel(f"sum gradients of {value.name}", accumulate, [total, other], [result])
            total = result
        value.contributions[:] = [total]
        return total

    # state

    def parameter(self, name: str, wanted: Placement) -> Buffer:
        """Return a slot in the wanted placement; one that lies otherwise is reordered at each run."""
        actual = self.state.claim(name, wanted)
        stored = self.state.buffer(name)
        if _same(actual, wanted):
            return stored
        copy = self.temporary(f"{name} reordered", wanted.size)
        self._convert(name, (actual, stored), (wanted, copy))
        return copy

    @contextmanager
    def parameter_gradient(self, name: str, wanted: Placement) -> Iterator[Buffer]:
        """Give memory for the gradient of a parameter; what is written there within the block is added up."""
        actual, total = self.state.claim(name, wanted), self.state.gradient(name)
        is_first, is_same = name not in self._written, _same(actual, wanted)
        self._written.add(name)
        if is_first and is_same:
            yield total
            return
        part = self.temporary(f"gradient of {name}, part", wanted.size)
        yield part
        if not is_same:
            converted = (
                total if is_first else self.temporary(f"gradient of {name}, converted", actual.size)
            )
            self._convert(name, (wanted, part), (actual, converted))
            part = converted
        if not is_first:
            self.kernel(f"add gradient of {name}", accumulate, [total, part], [total])

    def _convert(
        self, name: str, source: tuple[Placement, Buffer], target: tuple[Placement, Buffer]
    ) -> None:
        (before, memory), (after, result) = source, target
        if (
            before.stored
            and after.stored
            and (before.filled, before.order) == (after.filled, after.order)
        ):
            self.copy_layout(f"reorder {name}", (before.stored, memory), (after.stored, result))
            return
        shape = self.state.slot(name).shape

        def bind() -> Run:
            return lambda: after.write(before.read(memory.floats, shape), result.floats)

        self.steps.append(Step(f"convert {name}", (memory,), (result,), bind))

    # steps

    def kernel(
        self,
        name: str,
        function: Callable[..., None],
        reads: Sequence[Buffer],
        writes: Sequence[Buffer],
        constants: Sequence[object] = (),
    ) -> None:
        """Emit ``function(*reads, *writes, *constants)`` on flat float32 arrays."""

        def bind() -> Run:
            arguments = (*(b.floats for b in reads), *(b.floats for b in writes), *constants)
            return lambda: function(*arguments)

        self.steps.append(Step(name, tuple(reads), tuple(writes), bind))

    def primitive(
        self,
        name: str,
        descriptor: PrimitiveDescriptor,
        reads: Mapping[Argument, tuple[MemoryDescriptor, Buffer]],
        writes: Mapping[Argument, tuple[MemoryDescriptor, Buffer]],
    ) -> None:
        """Emit the execution of a oneDNN primitive."""
        # Created here, while the thread count is the plan's: it is part of the generated code.
        primitive = Primitive(descriptor)
        scratch = descriptor.memory(Query.SCRATCHPAD)
        size = descriptor.size(Query.SCRATCHPAD)
        self.scratch.size = max(self.scratch.size, size)

        def bind() -> Run:
            arguments = {
                key: (layout, memory.address)
                for key, (layout, memory) in {**reads, **writes}.items()
            }
            if size:
                arguments[Argument.SCRATCHPAD] = (scratch, self.scratch.address)
            return primitive.bind(arguments)

        inputs = tuple(memory for _, memory in reads.values())
        outputs = tuple(memory for _, memory in writes.values())
        self.steps.append(Step(f"{name} [{descriptor.implementation}]", inputs, outputs, bind))

    def copy_layout(
        self,
        name: str,
        source: tuple[MemoryDescriptor, Buffer],
        target: tuple[MemoryDescriptor, Buffer],
    ) -> None:
        """Emit a copy from one layout to another."""
        descriptor = operations.reorder(source[0], target[0])
        self.primitive(name, descriptor, {Argument.SOURCE: source}, {Argument.RESULT: target})


def _scalars(graph: Graph) -> frozenset[int]:
    """Nodes that are one number for the whole batch: losses, and what is computed from nothing else."""
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if node.op != "input" and (operation(node.op).is_loss or found.issuperset(node.inputs)):
            found.add(index)
    return frozenset(found)


def _learned(graph: Graph) -> frozenset[int]:
    """Nodes that depend on a parameter."""
    found: set[int] = set()
    for index, node in enumerate(graph.nodes):
        has_parameters = any(graph.slots[name].role == "parameter" for name in node.slots)
        if has_parameters or found.intersection(node.inputs):
            found.add(index)
    return frozenset(found)


def _same(left: Placement, right: Placement) -> bool:
    if (left.filled, left.order) != (right.filled, right.order):
        return False
    if left.stored is None or right.stored is None:
        return left.stored is right.stored
    return left.stored == right.stored

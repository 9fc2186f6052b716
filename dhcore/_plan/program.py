"""A program: the steps of one graph for one batch size, bound to their memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, final

import numpy as np
import numpy.typing as npt

from dhcore._ops.graph import Graph
from dhcore._plan.buffers import Buffer, Floats, Run, Step, allocate, place
from dhcore._plan.builder import Builder, Value
from dhcore._plan.fusion import fuse, needed
from dhcore._plan.kernels.statistics import running_statistics
from dhcore._plan.layout import Layout
from dhcore._plan.lowering import lower
from dhcore._plan.state import State
from dhcore.errors import GraphError, ShapeError

Arrays = Mapping[str, npt.NDArray[np.generic]]
LOSS: Final = "loss"


@final
class Program:
    """Forward steps, and backward steps when training.

    ``lower`` decides everything but the addresses; ``bind`` follows when the state has its arenas.
    """

    def __init__(
        self,
        graph: Graph,
        state: State,
        batch: int,
        outputs: Sequence[str],
        *,
        training: bool,
        portable: bool,
    ) -> None:
        self.batch: Final = batch
        self._builder: Final = Builder(graph, state, batch, training=training, portable=portable)
        self._inputs: Final[dict[str, Value]] = {}
        self._outputs: Final[dict[str, tuple[Buffer, tuple[int, ...]]]] = {}
        self._forward: list[Run] = []
        self._backward: list[Run] = []
        self._lower_forward(graph, outputs)
        self._forward_count = len(self._builder.steps)
        if training and LOSS in outputs:
            self._lower_backward(graph)
        self.names: Final = [step.name for step in self._builder.steps]

    def _lower_forward(self, graph: Graph, outputs: Sequence[str]) -> None:
        builder = self._builder
        wanted = needed(graph, [graph.outputs[name] for name in outputs])
        for name, index in graph.inputs.items():
            if index in wanted:
                self._inputs[name] = builder.define(index, Layout.PLAIN)
                self._inputs[name].buffer.pinned = True
        for group in fuse(graph, wanted):
            if group.first.op != "input":
                lower(builder, group)
        for name in outputs:
            value = builder.values[graph.outputs[name]]
            buffer = builder.read(value, Layout.PLAIN)
            buffer.pinned = True
            self._outputs[name] = (buffer, value.shape)
        if builder.statistics:
            builder.steps.append(Step("running statistics", (), (), self._bind_statistics))

    def _lower_backward(self, graph: Graph) -> None:
        builder = self._builder
        builder.seed.memory = allocate(builder.seed.size)
        builder.seed.floats[:] = 1.0
        builder.values[graph.outputs[LOSS]].contributions.append(builder.seed)
        for emit in reversed(builder.backward):
            emit()

    def _bind_statistics(self) -> Run:
        state = self._builder.state
        rate, factor = np.zeros_like(state.buffers), np.zeros_like(state.buffers)
        for statistic in self._builder.statistics:
            start = state.offset(statistic.slot)
            members = slice(start, start + state.buffer(statistic.slot).size // 4)
            rate[members], factor[members] = statistic.momentum, statistic.factor
        return lambda: running_statistics(state.statistics, state.buffers, rate, factor)

    def bind(self) -> None:
        """Give every buffer its place and every step its addresses."""
        builder = self._builder
        # An input that no step reads has to be somewhere all the same.
        anchors = tuple(value.buffer for value in self._inputs.values())
        place([Step("inputs", (), anchors, _nothing), *builder.steps])
        builder.scratch.memory = allocate(builder.scratch.size)
        runs = [step.bind() for step in builder.steps]
        self._forward, self._backward = runs[: self._forward_count], runs[self._forward_count :]

    @property
    def inputs(self) -> frozenset[str]:
        """Names of the inputs it reads."""
        return frozenset(self._inputs)

    def forward(self, inputs: Arrays, *, seed: int, step: int) -> None:
        """Run the forward steps on these inputs, padded with zeros to the batch."""
        self._builder.call.seed, self._builder.call.step = seed, step
        for name, value in self._inputs.items():
            if name not in inputs:
                raise GraphError(
                    f"expected the inputs {sorted(self._inputs)!r}, found {sorted(inputs)!r}"
                )
            _feed(name, inputs[name], value.buffer.shaped(value.shape))
        for run in self._forward:
            run()

    def backward(self) -> None:
        """Run the backward steps; gradients lie in the state."""
        for run in self._backward:
            run()

    def outputs(self, rows: int) -> dict[str, Floats]:
        """Return copies of the outputs, without the rows of padding."""
        results = {}
        for name, (buffer, shape) in self._outputs.items():
            array = buffer.shaped(shape)
            results[name] = array[:rows].copy() if shape else array.copy()
        return results

    def runs(self) -> list[tuple[str, Run]]:
        """Return every step by name in order, to be measured one by one."""
        return list(zip(self.names, [*self._forward, *self._backward], strict=True))


def _feed(name: str, array: npt.NDArray[np.generic], memory: Floats) -> None:
    if array.shape[1:] != memory.shape[1:] or not 0 < len(array) <= len(memory):
        raise ShapeError(
            name,
            f"an array of shape (N, {', '.join(map(str, memory.shape[1:]))}), 1 <= N <= {len(memory)}",
            f"{array.shape!r}",
            "compile a plan for larger batches if N is too large",
        )
    np.copyto(memory[: len(array)], array, casting="same_kind")
    memory[len(array) :] = 0.0


def _nothing() -> Run:
    return lambda: None

"""A model made fast for a batch size: the face of the room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, final

import numpy as np
import numpy.typing as npt

from dhcore import threads as threading_limits
from dhcore._backends.cpu.onednn import library
from dhcore._ops.graph import Graph
from dhcore._plan.buffers import Floats
from dhcore._plan.fusion import needed
from dhcore._plan.program import LOSS, Arrays, Program
from dhcore._plan.state import State
from dhcore.errors import GraphError, ShapeError

Flags = npt.NDArray[np.bool_]
_WEIGHT: Final = "weight"
#: Programs for other batch sizes or outputs that are kept beside the first one.
_MOST_OTHERS: Final = 3


class UpdateRule(Protocol):
    """What :meth:`Plan.train_step` asks of an optimizer: a rule on flat arrays of any order."""

    @property
    def slot_names(self) -> tuple[str, ...]:
        """Names of the arrays that the rule keeps, each of the parameters' length."""

    def update(
        self,
        parameters: Floats,
        gradient: Floats,
        slots: Mapping[str, Floats],
        step: int,
        *,
        decay: Flags | None = None,
        trainable: Flags | None = None,
    ) -> None:
        """Apply one gradient in place."""


@final
@dataclass(frozen=True, slots=True)
class Gradients:
    """What one step of training yields."""

    #: The outputs of the graph, the loss among them.
    outputs: dict[str, Floats]
    #: Gradient of the loss, flat in the canonical order of the parameters.
    flat: Floats


@final
class Plan:
    """A graph with its memory, ready to run; made by :func:`compile_plan`.

    It runs one call at a time: its steps work in one arena.
    """

    def __init__(
        self, graph: Graph, *, batch: int, threads: int, training: bool, portable: bool
    ) -> None:
        self.graph: Final = graph
        self.batch: Final = batch
        self.threads: Final = threads
        self.is_portable: Final = portable
        self._state: Final = State(graph)
        self._programs: Final[dict[tuple[int, tuple[str, ...], bool], Program]] = {}
        self._has_statistics: Final = any(node.op == "batch_norm" for node in graph.nodes)
        self._decay = np.zeros(0, np.bool_)
        if training:
            _require_loss(graph)
        # Training first: it decides how the parameters lie.
        self._program(batch, tuple(graph.outputs), training=training)

    # state

    def load(self, parameters: Floats, buffers: Floats) -> None:
        """Take parameters and buffers, flat float32 in canonical order.

        Raises:
            StateError: They are not as long as those of the graph.
        """
        with threading_limits.limit(self.threads):
            threading_limits.synchronise()
            self._state.load("parameter", parameters, self._state.parameters)
            self._state.load("buffer", buffers, self._state.buffers)

    def parameters(self) -> Floats:
        """Return the parameters, flat in canonical order."""
        return self._export("parameter", self._state.parameters)

    def buffers(self) -> Floats:
        """Return the buffers, flat in canonical order."""
        return self._export("buffer", self._state.buffers)

    def load_slots(self, slots: Mapping[str, Floats]) -> None:
        """Take what an optimizer has kept, one flat array in canonical order for each name."""
        with threading_limits.limit(self.threads):
            threading_limits.synchronise()
            for name, values in slots.items():
                self._state.load("parameter", values, self._state.optimizer_slot(name))

    def slots(self) -> dict[str, Floats]:
        """Return what the optimizer keeps, one flat array in canonical order for each name."""
        return {
            name: self._export("parameter", arena) for name, arena in self._state.optimizer.items()
        }

    def _export(self, role: str, arena: Floats) -> Floats:
        with threading_limits.limit(self.threads):
            threading_limits.synchronise()
            return self._state.export(role, arena)

    # running

    def forward(
        self, inputs: Arrays, *, training: bool = False, seed: int = 0, step: int = 0
    ) -> dict[str, Floats]:
        """Return the outputs that these inputs are enough for.

        Args:
            inputs: One array (N, ...) for each name, N at most the batch of the plan.
            training: Use the statistics of the batch (and move the running ones) and drop out.
            seed: Seed of the run, for dropout.
            step: Number of the step, for dropout.

        Raises:
            GraphError: No output can be computed from these inputs.
            ShapeError: An array has not the shape of its input.
        """
        rows, given = self._rows(inputs), self._completed(inputs)
        outputs = self._reachable(given)
        batch = self._batch_for(rows, outputs, training=training)
        program = self._program(batch, outputs, training=training)
        with threading_limits.limit(self.threads):
            threading_limits.synchronise()
            program.forward(given, seed=seed, step=step)
        return program.outputs(rows)

    def gradients(self, inputs: Arrays, *, seed: int = 0, step: int = 0) -> Gradients:
        """Return the outputs and the gradient of the loss; running statistics move.

        Args:
            inputs: One array (N, ...) for each name; a ``weight`` that is left out is 1 for each sample.
            seed: Seed of the run, for dropout.
            step: Number of the step, for dropout.

        Raises:
            GraphError: An input is missing.
            ShapeError: An array has not the shape of its input.
        """
        outputs = self._run(inputs, seed=seed, step=step)
        return Gradients(outputs, self._export("parameter", self._state.gradients))

    def train_step(
        self, inputs: Arrays, rule: UpdateRule, *, seed: int = 0, step: int = 0
    ) -> dict[str, Floats]:
        """Compute gradients and apply them, all in the plan's own layout; return the outputs.

        Args:
            inputs: As for :meth:`gradients`.
            rule: The optimizer; what it keeps lives in the plan (:meth:`slots`).
            seed: Seed of the run, for dropout.
            step: Number of updates already made.
        """
        outputs = self._run(inputs, seed=seed, step=step)
        state = self._state
        members = slice(0, state.trained)
        if len(self._decay) != state.trained:
            self._decay = np.arange(state.trained) < state.decayed
        slots = {name: state.optimizer_slot(name)[members] for name in rule.slot_names}
        with threading_limits.limit(self.threads):
            threading_limits.synchronise()
            rule.update(
                state.parameters[members], state.gradients[members], slots, step, decay=self._decay
            )
        return outputs

    def describe(self) -> list[str]:
        """Return the name of every step of the program for whole batches, with the implementation that runs it."""
        return list(next(iter(self._programs.values())).names)

    def _run(self, inputs: Arrays, *, seed: int, step: int) -> dict[str, Floats]:
        _require_loss(self.graph)
        rows, given, outputs = (
            self._rows(inputs),
            self._completed(inputs),
            tuple(self.graph.outputs),
        )
        batch = self._batch_for(rows, outputs, training=True)
        program = self._program(batch, outputs, training=True)
        with threading_limits.limit(self.threads):
            threading_limits.synchronise()
            program.forward(given, seed=seed, step=step)
            program.backward()
        return program.outputs(rows)

    def _program(self, batch: int, outputs: tuple[str, ...], *, training: bool) -> Program:
        key = (batch, outputs, training)
        if key not in self._programs:
            # The number of threads is part of the code that oneDNN generates.
            with threading_limits.limit(self.threads):
                threading_limits.synchronise()
                portable = self.is_portable
                program = Program(
                    self.graph, self._state, batch, outputs, training=training, portable=portable
                )
                self._state.allocate()
                program.bind()
            self._programs[key] = program
            if len(self._programs) > 1 + _MOST_OTHERS:
                # The second is the oldest of the others.
                del self._programs[list(self._programs)[1]]
        return self._programs[key]

    def _batch_for(self, rows: int, outputs: tuple[str, ...], *, training: bool) -> int:
        """Rows of padding must not enter the statistics of a batch, nor a loss that has no weights."""
        is_weighted = _WEIGHT in self.graph.inputs or LOSS not in outputs
        can_pad = is_weighted and not (training and self._has_statistics)
        return self.batch if can_pad else rows

    def _rows(self, inputs: Arrays) -> int:
        counts = {name: len(array) for name, array in inputs.items()}
        if len(set(counts.values())) != 1:
            raise ShapeError(
                "inputs", "one or more arrays with the same number of rows", f"{counts!r}"
            )
        rows = next(iter(counts.values()))
        if not 1 <= rows <= self.batch:
            raise ShapeError(
                "inputs",
                f"1 to {self.batch} rows",
                f"{rows}",
                "split the batch, or compile a larger plan",
            )
        return rows

    def _completed(self, inputs: Arrays) -> Arrays:
        if _WEIGHT in inputs or _WEIGHT not in self.graph.inputs:
            return inputs
        return {**inputs, _WEIGHT: np.ones(self._rows(inputs), np.float32)}

    def _reachable(self, inputs: Arrays) -> tuple[str, ...]:
        given = {self.graph.inputs[name] for name in inputs if name in self.graph.inputs}
        everything = set(self.graph.inputs.values())
        outputs = tuple(
            name
            for name, index in self.graph.outputs.items()
            if not (needed(self.graph, [index]) & everything) - given
        )
        if not outputs:
            raise GraphError(
                f"expected the inputs {sorted(self.graph.inputs)!r}, found {sorted(inputs)!r}"
            )
        return outputs


def _require_loss(graph: Graph) -> None:
    if LOSS not in graph.outputs:
        raise GraphError(
            f"expected an output named {LOSS!r} to train, found {sorted(graph.outputs)!r}"
        )


def compile_plan(
    graph: Graph,
    *,
    batch: int,
    threads: int | None = None,
    training: bool = True,
    portable: bool = False,
) -> Plan:
    """Lower a graph for batches of one size.

    Args:
        graph: Model; to train it needs an output named ``loss``.
        batch: Largest number of rows; fewer are padded, or get a program of their own where padding would count.
        threads: Threads of every run, :func:`dhcore.threads.count` by default. They are part of the question: the same
            number gives the same bits.
        training: Whether gradients will be asked for.
        portable: Use the portable kernels even where oneDNN can be loaded.

    Raises:
        GraphError: Training is asked of a graph without a loss.
    """
    count = threads or threading_limits.count()
    absent = portable or library.load() is None
    return Plan(graph, batch=batch, threads=count, training=training, portable=absent)

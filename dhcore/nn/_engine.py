"""How a model computes: the one seam between a graph with its arrays and what runs it.

The interpreter runs any graph on any device and defines the result. A device whose kind is in the table below is served
by an engine of its own; nothing else in this room knows which.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from dhcore import threads
from dhcore._ops import interpreter
from dhcore._ops.graph import Graph
from dhcore._plan import Plan, compile_plan
from dhcore.device import Device
from dhcore.nn._arena import Arena, Floats, flag_mask, flat, views
from dhcore.optim import Optimizer

Arrays = Mapping[str, NDArray[Any]]

#: Plans that an engine keeps; each has its own copy of parameters and activations.
_MOST_PLANS: Final = 4


@final
@dataclass(frozen=True, slots=True)
class Backward:
    """Outputs of a training step, its loss among them, and the gradient."""

    outputs: Arrays
    gradient: Floats


class Engine(ABC):
    """Runs one graph on the arrays of an arena."""

    @abstractmethod
    def forward(
        self, arena: Arena, inputs: Arrays, *, training: bool, seed: int, step: int
    ) -> Arrays:
        """The outputs that the inputs are enough for; in training, buffers move."""

    @abstractmethod
    def backward(self, arena: Arena, inputs: Arrays, *, seed: int, step: int) -> Backward:
        """Every output in training, and the gradient of the loss; buffers move."""

    @abstractmethod
    def train(
        self, arena: Arena, inputs: Arrays, rule: Optimizer, *, seed: int, step: int
    ) -> Arrays:
        """Every output in training; then parameters, slots and buffers have moved by one step."""


def engine_for(graph: Graph, device: Device) -> Engine:
    """The engine of a device."""
    return _ENGINES.get(device.kind, InterpreterEngine)(graph, device)


@final
class InterpreterEngine(Engine):
    """Node by node, on the kernels of a device."""

    def __init__(self, graph: Graph, device: Device) -> None:
        self._graph = graph
        self._device = device

    def forward(
        self, arena: Arena, inputs: Arrays, *, training: bool, seed: int, step: int
    ) -> Arrays:
        """The outputs that the inputs are enough for; in training, buffers move."""
        run = self._run(arena, inputs, training=training, seed=seed, step=step, gradients=False)
        return run.outputs

    def backward(self, arena: Arena, inputs: Arrays, *, seed: int, step: int) -> Backward:
        """Every output in training, and the gradient of the loss; buffers move."""
        run = self._run(arena, inputs, training=True, seed=seed, step=step, gradients=True)
        return Backward(run.outputs, flat(self._graph, "parameter", run.gradients))

    def train(
        self, arena: Arena, inputs: Arrays, rule: Optimizer, *, seed: int, step: int
    ) -> Arrays:
        """Every output in training; then parameters, slots and buffers have moved by one step."""
        backward = self.backward(arena, inputs, seed=seed, step=step)
        rule.update(
            arena.parameters,
            backward.gradient,
            arena.slots,
            step,
            decay=self._decay,
            trainable=self._trainable,
        )
        arena.changed()
        return backward.outputs

    @cached_property
    def _decay(self) -> NDArray[np.bool_]:
        return flag_mask(self._graph, "decay")

    @cached_property
    def _trainable(self) -> NDArray[np.bool_]:
        return flag_mask(self._graph, "trainable")

    def _run(
        self, arena: Arena, inputs: Arrays, *, training: bool, seed: int, step: int, gradients: bool
    ) -> interpreter.Run:
        graph = self._graph
        run = interpreter.run(
            _within_reach(graph, inputs),
            inputs,
            {
                **views(graph, "parameter", arena.parameters),
                **views(graph, "buffer", arena.buffers),
            },
            self._device,
            training=training,
            seed=seed,
            step=step,
            gradients=gradients,
        )
        if training and arena.buffers.size:
            arena.buffers[:] = flat(graph, "buffer", run.buffers)
            arena.changed()
        return run


@final
class PlanEngine(Engine):
    """Compiled for the batch sizes that come, with parameters in the plan's layout between steps."""

    def __init__(self, graph: Graph, device: Device) -> None:
        self._graph = graph
        # A plan trains on a loss; without one, training is only how batch norm and dropout behave.
        self._without_loss = InterpreterEngine(graph, device)
        self._plans: OrderedDict[tuple[int, int], _Held] = OrderedDict()

    def forward(
        self, arena: Arena, inputs: Arrays, *, training: bool, seed: int, step: int
    ) -> Arrays:
        """The outputs that the inputs are enough for; in training, buffers move."""
        if training:
            return self._without_loss.forward(arena, inputs, training=True, seed=seed, step=step)
        held = self._held(arena, inputs)
        return held.plan.forward(inputs, training=False, seed=seed, step=step)

    def backward(self, arena: Arena, inputs: Arrays, *, seed: int, step: int) -> Backward:
        """Every output in training, and the gradient of the loss; buffers move."""
        held = self._held(arena, inputs)
        gradients = held.plan.gradients(inputs, seed=seed, step=step)
        held.version = arena.lend(buffers=held.plan.buffers)
        return Backward(gradients.outputs, gradients.flat)

    def train(
        self, arena: Arena, inputs: Arrays, rule: Optimizer, *, seed: int, step: int
    ) -> Arrays:
        """Every output in training; then parameters, slots and buffers have moved by one step."""
        held = self._held(arena, inputs)
        if held.slots_version != arena.version:
            held.plan.load_slots(arena.slots)
        plan = held.plan
        outputs = plan.train_step(inputs, rule, seed=seed, step=step)
        held.version = held.slots_version = arena.lend(
            buffers=plan.buffers, parameters=plan.parameters, slots=plan.slots
        )
        return outputs

    def _held(self, arena: Arena, inputs: Arrays) -> _Held:
        """A plan that is large enough and not twice too large, with the arena's newest values."""
        rows, count = len(next(iter(inputs.values()))), threads.count()
        fitting = [
            key for key in self._plans if key[1] == count and rows <= key[0] < max(2 * rows, 2)
        ]
        key = min(fitting, default=(max(rows, 1), count))
        if key not in self._plans:
            self._release(arena)
            plan = compile_plan(
                self._graph, batch=key[0], threads=count, training="loss" in self._graph.outputs
            )
            self._plans[key] = _Held(plan)
        self._plans.move_to_end(key)
        held = self._plans[key]
        if held.version != arena.version:
            held.plan.load(arena.parameters, arena.buffers)
            held.version = arena.version
        return held

    def _release(self, arena: Arena) -> None:
        if len(self._plans) >= _MOST_PLANS:
            # The arena may still have to fetch from the one that goes.
            arena.settle()
            self._plans.popitem(last=False)


@final
@dataclass(slots=True)
class _Held:
    """A plan, and which version of the arena its arrays are."""

    plan: Plan
    version: int = -1
    slots_version: int = -1


def _within_reach(graph: Graph, inputs: Arrays) -> Graph:
    """The graph without a loss that no target was given for."""
    if interpreter.LOSS not in graph.outputs or graph.inputs.keys() <= inputs.keys():
        return graph
    outputs = {name: at for name, at in graph.outputs.items() if name != interpreter.LOSS}
    return dataclasses.replace(graph, outputs=outputs)


_ENGINES: Final[Mapping[str, Callable[[Graph, Device], Engine]]] = {"cpu": PlanEngine}

"""How a model computes: the one seam between a graph with its arrays and what runs it.

The interpreter runs any graph on any device and defines the result. A device whose kind is in the table below is served
by an engine of its own; nothing else in this room knows which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from dhcore._ops import interpreter
from dhcore._ops.graph import Graph, Role
from dhcore.device import Device

Floats = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]


@final
@dataclass(slots=True)
class Arena:
    """Parameters and buffers of a model, flat in canonical order, and how often they have changed."""

    parameters: Floats
    buffers: Floats
    #: Grows with every change, so an engine with a copy of its own knows when it is stale.
    version: int = 0

    def changed(self) -> None:
        """Say that parameters or buffers are no longer what they were."""
        self.version += 1


@final
@dataclass(frozen=True, slots=True)
class Backward:
    """Outputs of a training step, its loss among them, and the gradient."""

    outputs: Arrays
    gradient: Floats


class Engine(ABC):
    """Runs one graph."""

    @abstractmethod
    def forward(
        self, arena: Arena, inputs: Arrays, *, training: bool, seed: int, step: int
    ) -> Arrays:
        """Every output; in training, buffers of the arena move."""

    @abstractmethod
    def backward(self, arena: Arena, inputs: Arrays, *, seed: int, step: int) -> Backward:
        """Every output in training, and the gradient of the loss; buffers of the arena move."""


@final
class InterpreterEngine(Engine):
    """Node by node, on the kernels of a device."""

    def __init__(self, graph: Graph, device: Device) -> None:
        self._graph = graph
        self._device = device

    def forward(
        self, arena: Arena, inputs: Arrays, *, training: bool, seed: int, step: int
    ) -> Arrays:
        """Every output; in training, buffers of the arena move."""
        run = self._run(arena, inputs, training=training, seed=seed, step=step, gradients=False)
        return run.outputs

    def backward(self, arena: Arena, inputs: Arrays, *, seed: int, step: int) -> Backward:
        """Every output in training, and the gradient of the loss; buffers of the arena move."""
        run = self._run(arena, inputs, training=True, seed=seed, step=step, gradients=True)
        return Backward(run.outputs, flat(self._graph, "parameter", run.gradients))

    def _run(
        self, arena: Arena, inputs: Arrays, *, training: bool, seed: int, step: int, gradients: bool
    ) -> interpreter.Run:
        slots = {
            **views(self._graph, "parameter", arena.parameters),
            **views(self._graph, "buffer", arena.buffers),
        }
        run = interpreter.run(
            self._graph,
            inputs,
            slots,
            self._device,
            training=training,
            seed=seed,
            step=step,
            gradients=gradients,
        )
        if training and arena.buffers.size:
            arena.buffers[:] = flat(self._graph, "buffer", run.buffers)
            arena.changed()
        return run


def views(graph: Graph, role: Role, arena: Floats) -> dict[str, Floats]:
    """The arrays of a role as views of their flat arena."""
    return {
        name: arena[slot.offset : slot.offset + slot.size].reshape(slot.shape)
        for name, slot in graph.slots.items()
        if slot.role == role
    }


def flat(graph: Graph, role: Role, arrays: Arrays) -> Floats:
    """The arrays of a role in one flat arena."""
    arena = np.zeros(graph.flat_size(role), np.float32)
    for name, view in views(graph, role, arena).items():
        view[...] = arrays[name]
    return arena


_ENGINES: Final[Mapping[str, type[InterpreterEngine]]] = {}


def engine_for(graph: Graph, device: Device) -> Engine:
    """The engine of a device."""
    return _ENGINES.get(device.kind, InterpreterEngine)(graph, device)

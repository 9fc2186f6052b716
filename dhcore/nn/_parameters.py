"""What training changes: the arena of parameters and buffers, the optimizer's slots, the step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from dhcore import random
from dhcore._ops.graph import Graph
from dhcore.errors import StateError
from dhcore.nn._engine import Arena, flat, views
from dhcore.nn.layer import ArraySpec
from dhcore.nn.state import State
from dhcore.optim import Optimizer

Floats = NDArray[np.float32]
Mask = Literal["decay", "trainable"]


@final
class Parameters:
    """Arrays of one model; made when they are first needed, so that a large model may be described without them."""

    def __init__(self, graph: Graph, specs: Mapping[str, ArraySpec], seed: int) -> None:
        self._graph = graph
        self._specs = specs
        self._arena: Arena | None = None
        self._masks: dict[Mask, NDArray[np.bool_]] = {}
        self.seed = seed
        self.step = 0
        self.optimizer: Optimizer | None = None
        self.slots: dict[str, Floats] = {}

    @property
    def arena(self) -> Arena:
        """Parameters and buffers."""
        if self._arena is None:
            self._arena = self._drawn()
        return self._arena

    def regraph(self, graph: Graph) -> None:
        """Take over a graph with the same slots, some of them frozen."""
        self._graph = graph
        self._masks.clear()

    def initialise(self, seed: int) -> None:
        """Draw everything anew from a seed."""
        self.seed = seed
        drawn = self._drawn()
        self._replace(drawn.parameters, drawn.buffers)
        self.reset(self.optimizer)

    def reset(self, optimizer: Optimizer | None) -> None:
        """Begin anew with an optimizer."""
        self.optimizer = optimizer
        self.step = 0
        self.slots = {}

    def update(self, gradient: Floats) -> None:
        """One step of the optimizer."""
        assert self.optimizer is not None
        arena = self.arena
        self._ready_slots()
        self.optimizer.update(
            arena.parameters,
            gradient,
            self.slots,
            self.step,
            decay=self._mask("decay"),
            trainable=self._mask("trainable"),
        )
        self.step += 1
        arena.changed()

    def state(self) -> State:
        """A copy of everything."""
        self._ready_slots()
        slots = {name: slot.copy() for name, slot in self.slots.items()}
        return State(self.arena.parameters.copy(), self.arena.buffers.copy(), slots, self.step)

    def load(self, state: State) -> None:
        """Take over a copy of a state."""
        pairs = {
            "parameters": (state.parameters.size, self._graph.flat_size("parameter")),
            "buffers": (state.buffers.size, self._graph.flat_size("buffer")),
        }
        for name, (found, expected) in pairs.items():
            if found != expected:
                raise StateError(
                    f"expected {expected} {name}, found {found}; is it the state of another model?"
                )
        wanted = self.optimizer.slot_names if self.optimizer else ()
        if state.optimizer and self.optimizer and set(state.optimizer) != set(wanted):
            raise StateError(
                f"expected the optimizer slots {sorted(wanted)}, found {sorted(state.optimizer)}; "
                f"compile with the optimizer that made them"
            )
        self._replace(state.parameters.copy(), state.buffers.copy())
        self.slots = {name: slot.copy() for name, slot in state.optimizer.items()}
        self.step = state.step

    def views(self) -> dict[str, Floats]:
        """Every parameter and buffer under its name, as a view."""
        arrays = {
            **views(self._graph, "parameter", self.arena.parameters),
            **views(self._graph, "buffer", self.arena.buffers),
        }
        return {name: arrays[name] for name in self._graph.slots}

    def write(self, weights: Mapping[str, NDArray[np.generic]]) -> None:
        """Set some arrays by name."""
        arrays = self.views()
        for name, array in weights.items():
            if name not in arrays:
                raise StateError(f"there is no array {name!r}; there are {sorted(arrays)}")
            if arrays[name].shape != np.shape(array):
                raise StateError(f"{name}: expected {arrays[name].shape}, found {np.shape(array)}")
        for name, array in weights.items():
            arrays[name][...] = array
        self.arena.changed()

    def _drawn(self) -> Arena:
        values = {
            name: spec.initialiser.draw(
                spec.shape, spec.fans, random.generator(self.seed, "initialise", name)
            )
            for name, spec in self._specs.items()
        }
        return Arena(flat(self._graph, "parameter", values), flat(self._graph, "buffer", values))

    def _replace(self, parameters: Floats, buffers: Floats) -> None:
        arena = self.arena
        arena.parameters, arena.buffers = parameters, buffers
        arena.changed()

    def _ready_slots(self) -> None:
        if self.optimizer and not self.slots:
            self.slots = self.optimizer.slots(self._graph.flat_size("parameter"))

    def _mask(self, flag: Mask) -> NDArray[np.bool_]:
        if flag not in self._masks:
            mask = np.ones(self._graph.flat_size("parameter"), np.bool_)
            for slot in self._graph.slots.values():
                if slot.role == "parameter":
                    mask[slot.offset : slot.offset + slot.size] = getattr(slot, flag)
            self._masks[flag] = mask
        return self._masks[flag]

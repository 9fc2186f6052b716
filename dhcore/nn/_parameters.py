"""What training changes: the arena of a model, the optimizer, the step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np
from numpy.typing import NDArray

from dhcore import random
from dhcore._ops.graph import Graph
from dhcore.errors import StateError
from dhcore.nn._arena import Arena, Floats, flag_mask, flat, views
from dhcore.nn.layer import ArraySpec
from dhcore.nn.state import State
from dhcore.optim import Optimizer


@final
class Parameters:
    """Arrays of one model; made when they are first needed, so that a large model may be described without them."""

    def __init__(self, graph: Graph, specs: Mapping[str, ArraySpec], seed: int) -> None:
        self._graph = graph
        self._specs = specs
        self._arena: Arena | None = None
        self._masks: dict[str, NDArray[np.bool_]] = {}
        self.seed = seed
        self.step = 0
        self.optimizer: Optimizer | None = None

    @property
    def arena(self) -> Arena:
        """Parameters, buffers and optimizer slots."""
        if self._arena is None:
            self._arena = Arena(*self._drawn())
            self._fresh_slots()
        return self._arena

    def regraph(self, graph: Graph) -> None:
        """Take over a graph with the same slots, some of them frozen."""
        self._graph = graph
        self._masks.clear()

    def initialise(self, seed: int) -> None:
        """Draw everything anew from a seed."""
        self.seed = seed
        if self._arena is not None:
            self._arena.replace(*self._drawn())
        self.reset(self.optimizer)

    def reset(self, optimizer: Optimizer | None) -> None:
        """Begin anew with an optimizer."""
        self.optimizer = optimizer
        self.step = 0
        if self._arena is not None:
            self._fresh_slots()

    def update(self, gradient: Floats) -> None:
        """One step of the optimizer."""
        assert self.optimizer is not None
        arena = self.arena
        self.optimizer.update(
            arena.parameters,
            gradient,
            arena.slots,
            self.step,
            decay=self._mask("decay"),
            trainable=self._mask("trainable"),
        )
        self.step += 1
        arena.changed()

    def state(self) -> State:
        """A copy of everything."""
        arena = self.arena
        slots = {name: slot.copy() for name, slot in arena.slots.items()}
        return State(arena.parameters.copy(), arena.buffers.copy(), slots, self.step)

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
        self.arena.replace(state.parameters.copy(), state.buffers.copy())
        if state.optimizer:
            self.arena.replace_slots({name: slot.copy() for name, slot in state.optimizer.items()})
        else:
            self._fresh_slots()
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

    def _drawn(self) -> tuple[Floats, Floats]:
        values = {
            name: spec.initialiser.draw(
                spec.shape, spec.fans, random.generator(self.seed, "initialise", name)
            )
            for name, spec in self._specs.items()
        }
        return flat(self._graph, "parameter", values), flat(self._graph, "buffer", values)

    def _mask(self, flag: str) -> NDArray[np.bool_]:
        if flag not in self._masks:
            self._masks[flag] = flag_mask(self._graph, flag)
        return self._masks[flag]

    def _fresh_slots(self) -> None:
        assert self._arena is not None
        size = self._graph.flat_size("parameter")
        self._arena.replace_slots(self.optimizer.slots(size) if self.optimizer else {})

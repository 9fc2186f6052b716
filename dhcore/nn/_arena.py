"""Parameters, buffers and optimizer slots of a model, wherever their newest values are.

An engine may work on arrays of its own, in a layout of its own. It then says so with :meth:`Arena.lend`; whoever reads
the arena next makes it fetch them, and as long as nobody does, nothing is copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from dhcore._ops.graph import Graph, Role

Floats = NDArray[np.float32]
Slots = dict[str, Floats]


@final
class Arena:
    """Flat arrays in canonical order, and how often they have changed."""

    def __init__(self, parameters: Floats, buffers: Floats) -> None:
        self._parameters = parameters
        self._buffers = buffers
        self._slots: Slots = {}
        self._newer_parameters: Callable[[], Floats] | None = None
        self._newer_buffers: Callable[[], Floats] | None = None
        self._newer_slots: Callable[[], Slots] | None = None
        #: Grows with every change, so that who holds a copy knows when it is stale.
        self.version = 0

    @property
    def parameters(self) -> Floats:
        """The newest parameters."""
        if self._newer_parameters is not None:
            self._parameters, self._newer_parameters = self._newer_parameters(), None
        return self._parameters

    @property
    def buffers(self) -> Floats:
        """The newest buffers."""
        if self._newer_buffers is not None:
            self._buffers, self._newer_buffers = self._newer_buffers(), None
        return self._buffers

    @property
    def slots(self) -> Slots:
        """The newest optimizer slots; empty before the first update."""
        if self._newer_slots is not None:
            self._slots, self._newer_slots = self._newer_slots(), None
        return self._slots

    def replace(self, parameters: Floats, buffers: Floats) -> None:
        """Set both."""
        self._parameters, self._newer_parameters = parameters, None
        self._buffers, self._newer_buffers = buffers, None
        self.changed()

    def replace_slots(self, slots: Slots) -> None:
        """Set the optimizer slots."""
        self._slots, self._newer_slots = slots, None
        self.changed()

    def changed(self) -> None:
        """Say that arrays were written in place."""
        self.version += 1

    def lend(
        self,
        *,
        buffers: Callable[[], Floats],
        parameters: Callable[[], Floats] | None = None,
        slots: Callable[[], Slots] | None = None,
    ) -> int:
        """Say who has newer values; the version they stand for."""
        self._newer_buffers = buffers
        self._newer_parameters = parameters or self._newer_parameters
        self._newer_slots = slots or self._newer_slots
        self.changed()
        return self.version

    def settle(self) -> None:
        """Fetch whatever is elsewhere."""
        _ = self.parameters, self.buffers, self.slots


def views(graph: Graph, role: Role, arena: Floats) -> dict[str, Floats]:
    """The arrays of a role as views of their flat arena."""
    return {
        name: arena[slot.offset : slot.offset + slot.size].reshape(slot.shape)
        for name, slot in graph.slots.items()
        if slot.role == role
    }


def flat(graph: Graph, role: Role, arrays: Mapping[str, NDArray[Any]]) -> Floats:
    """The arrays of a role in one flat arena."""
    arena = np.zeros(graph.flat_size(role), np.float32)
    for name, view in views(graph, role, arena).items():
        view[...] = arrays[name]
    return arena


def flag_mask(graph: Graph, flag: str) -> NDArray[np.bool_]:
    """For each element of the parameters, whether its slot is ``trainable`` or has ``decay``."""
    mask = np.ones(graph.flat_size("parameter"), np.bool_)
    for slot in graph.slots.values():
        if slot.role == "parameter":
            mask[slot.offset : slot.offset + slot.size] = getattr(slot, flag)
    return mask

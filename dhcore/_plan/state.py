"""State of a plan: parameters, gradients, buffers and optimizer slots, each one flat arena in the plan's own layout.

Parameters stand in the order (decayed, not decayed, frozen), so that an optimizer is one pass over two ranges. Outside,
every array is flat float32 in the canonical order of the graph's slots; :class:`Placement` is the way in and out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from dhcore._backends.cpu.onednn import operations
from dhcore._backends.cpu.onednn.constants import Argument, Query
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor
from dhcore._backends.cpu.onednn.primitive import Primitive
from dhcore._ops.graph import Graph, Slot
from dhcore._plan.buffers import ALIGNMENT, Buffer, Floats, allocate
from dhcore.errors import StateError

_FLOAT: Final = 4


@final
@dataclass(frozen=True, slots=True)
class Placement:
    """How one slot lies in its arena."""

    #: Shape with channels filled to whole blocks.
    filled: tuple[int, ...]
    #: Axes of the primitive that takes it, where they are others: the canonical axis at each place.
    order: tuple[int, ...] | None = None
    #: C order as the primitive names the axes; ``None`` where C order is the layout.
    plain: MemoryDescriptor | None = None
    #: The layout that the primitive chose.
    stored: MemoryDescriptor | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        if self.stored is not None:
            return self.stored.size
        return _FLOAT * int(np.prod(self.filled, dtype=np.int64))

    def write(self, canonical: Floats, memory: Floats) -> None:
        """Lay a canonical array into the arena's memory."""
        filled = np.zeros(self.filled, np.float32)
        filled[tuple(slice(extent) for extent in canonical.shape)] = canonical
        if self.order is not None:
            filled = filled.transpose(self.order)
        values = _aligned(filled)
        if self.plain is None or self.stored is None:
            memory[: values.size] = values
        else:
            _copy(self.plain, values, self.stored, memory)

    def read(self, memory: Floats, shape: tuple[int, ...]) -> Floats:
        """Return the canonical array that lies in the arena's memory."""
        order = self.order or tuple(range(len(self.filled)))
        values = _arena(int(np.prod(self.filled, dtype=np.int64)))
        if self.plain is None or self.stored is None:
            values[:] = memory[: values.size]
        else:
            _copy(self.stored, memory, self.plain, values)
        filled = values.reshape([self.filled[axis] for axis in order]).transpose(np.argsort(order))
        return filled[tuple(slice(extent) for extent in shape)]


@final
class State:
    """Where each slot of a graph lies, and the arenas."""

    def __init__(self, graph: Graph) -> None:
        self._slots: Final[Mapping[str, Slot]] = graph.slots
        self._placements: Final[dict[str, Placement]] = {}
        self._buffers: Final[dict[str, Buffer]] = {name: Buffer(name, 0) for name in graph.slots}
        self._gradients: Final[dict[str, Buffer]] = {
            name: Buffer(f"gradient of {name}", 0) for name in graph.slots
        }
        self._offsets: Final[dict[str, int]] = {}
        #: Parameters are arena[:decayed] with decay, arena[decayed:trained] without; the rest is frozen.
        self.decayed = 0
        self.trained = 0
        self.parameters = _arena(0)
        self.gradients = _arena(0)
        self.buffers = _arena(0)
        self.statistics = _arena(0)
        self.optimizer: Final[dict[str, Floats]] = {}
        self.is_allocated = False

    def slot(self, name: str) -> Slot:
        """Return the slot of this name."""
        return self._slots[name]

    def claim(self, name: str, wanted: Placement) -> Placement:
        """Ask for a placement; who asks first decides, others get what is there."""
        return self._placements.setdefault(name, wanted)

    def buffer(self, name: str) -> Buffer:
        """Return the memory of a slot."""
        return self._buffers[name]

    def gradient(self, name: str) -> Buffer:
        """Return the memory of a parameter's gradient, or of a buffer's newest batch statistic."""
        return self._gradients[name]

    def offset(self, name: str) -> int:
        """Return the first element of a slot in its arena."""
        return self._offsets[name]

    def allocate(self) -> None:
        """Make the arenas; slots that nothing asked for lie in canonical order."""
        if self.is_allocated:
            return
        parameters = [slot for slot in self._slots.values() if slot.role == "parameter"]
        buffers = [slot for slot in self._slots.values() if slot.role == "buffer"]
        groups = [
            [slot for slot in parameters if slot.trainable and slot.decay],
            [slot for slot in parameters if slot.trainable and not slot.decay],
            [slot for slot in parameters if not slot.trainable],
        ]
        self.decayed = self._lay_out(groups[0], 0)
        self.trained = self._lay_out(groups[1], self.decayed)
        total = self._lay_out(groups[2], self.trained)
        self.parameters, self.gradients = _arena(total), _arena(total)
        total = self._lay_out(buffers, 0)
        self.buffers, self.statistics = _arena(total), _arena(total)
        for slot in self._slots.values():
            pair = (
                (self.parameters, self.gradients)
                if slot.role == "parameter"
                else (self.buffers, self.statistics)
            )
            self._bind(slot, *pair)
        self.is_allocated = True

    def _lay_out(self, slots: list[Slot], start: int) -> int:
        for slot in slots:
            placement = self._placements.setdefault(slot.name, Placement(slot.shape))
            self._offsets[slot.name] = start
            start += -(-placement.size // ALIGNMENT) * ALIGNMENT // _FLOAT
        return start

    def _bind(self, slot: Slot, values: Floats, changes: Floats) -> None:
        start, size = self._offsets[slot.name] * _FLOAT, self._placements[slot.name].size
        for buffer, arena in (
            (self._buffers[slot.name], values),
            (self._gradients[slot.name], changes),
        ):
            buffer.size = size
            buffer.memory = arena.view(np.uint8)[start : start + size]

    def load(self, role: str, canonical: Floats, arena: Floats) -> None:
        """Lay a canonical flat array of all slots of a role into an arena."""
        expected = sum(slot.size for slot in self._slots.values() if slot.role == role)
        if canonical.shape != (expected,):
            raise StateError(
                f"expected the {expected} elements of all {role}s in one flat array, "
                f"found an array of shape {canonical.shape!r}; take it from the state of the same model"
            )
        for slot, placement, memory in self._members(role, arena):
            values = np.asarray(canonical[slot.offset : slot.offset + slot.size], np.float32)
            placement.write(values.reshape(slot.shape), memory)

    def export(self, role: str, arena: Floats) -> Floats:
        """Return the content of an arena, flat in canonical order."""
        total = sum(slot.size for slot in self._slots.values() if slot.role == role)
        canonical = np.empty(total, np.float32)
        for slot, placement, memory in self._members(role, arena):
            values = placement.read(memory, slot.shape)
            canonical[slot.offset : slot.offset + slot.size] = values.reshape(-1)
        return canonical

    def _members(self, role: str, arena: Floats) -> list[tuple[Slot, Placement, Floats]]:
        return [
            (slot, self._placements[slot.name], arena[self._offsets[slot.name] :])
            for slot in self._slots.values()
            if slot.role == role
        ]

    def optimizer_slot(self, name: str) -> Floats:
        """Return an arena of optimizer state, zero when first asked for."""
        if name not in self.optimizer:
            self.optimizer[name] = _arena(len(self.parameters))
        return self.optimizer[name]


def _arena(elements: int) -> Floats:
    return allocate(_FLOAT * elements).view(np.float32)


def _aligned(values: Floats) -> Floats:
    memory = _arena(values.size)
    memory.reshape(values.shape)[...] = values
    return memory


def _copy(
    source: MemoryDescriptor, values: Floats, target: MemoryDescriptor, result: Floats
) -> None:
    descriptor = operations.reorder(source, target)
    scratch = allocate(descriptor.size(Query.SCRATCHPAD))
    Primitive(descriptor).bind(
        {
            Argument.SOURCE: (source, values.ctypes.data),
            Argument.RESULT: (target, result.ctypes.data),
            Argument.SCRATCHPAD: (descriptor.memory(Query.SCRATCHPAD), scratch.ctypes.data),
        }
    )()

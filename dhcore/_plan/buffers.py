"""Memory of a plan: buffers by name, steps that say what they read and write, one arena shared by lifetime.

::

    step      0    1    2    3    4          arena
    a       write read                       ┌──────────┬─────┐
    b            write ───── read            │ a, then c│  b  │
    c                 write ─ ... read       └──────────┴─────┘
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
import numpy.typing as npt

ALIGNMENT: Final = 64
Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@final
@dataclass(slots=True, eq=False)
class Buffer:
    """A piece of memory; where it lies is decided when all steps are known."""

    name: str
    #: Bytes.
    size: int
    #: Flat bytes, once placed.
    memory: Bytes | None = None
    #: Holds its content for the whole run: inputs are written before the first step, outputs read after the last.
    pinned: bool = False

    @property
    def bytes(self) -> Bytes:
        """Its memory as bytes."""
        assert self.memory is not None, f"buffer {self.name!r} has not been placed"
        return self.memory

    @property
    def floats(self) -> Floats:
        """Its memory as a flat array of float32."""
        return self.bytes.view(np.float32)

    @property
    def address(self) -> int:
        """Address of its first byte."""
        return int(self.bytes.ctypes.data)

    def shaped(self, shape: Sequence[int]) -> Floats:
        """Its first elements in C order as an array of this shape."""
        count = int(np.prod(shape, dtype=np.int64))
        return self.floats[:count].reshape(tuple(shape))


Run = Callable[[], None]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One thing to do, at fixed addresses once bound."""

    name: str
    reads: tuple[Buffer, ...]
    writes: tuple[Buffer, ...]
    #: Makes the function that runs it; called once, when every buffer has its place.
    bind: Callable[[], Run]


@final
@dataclass(slots=True)
class _Lifetime:
    buffer: Buffer
    first: int
    last: int
    offset: int = field(default=-1)

    def overlaps(self, other: _Lifetime) -> bool:
        return self.first <= other.last and other.first <= self.last


def allocate(size: int) -> Bytes:
    """Return zeroed bytes that begin at a multiple of the alignment."""
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -int(memory.ctypes.data) % ALIGNMENT
    return memory[start : start + size]


def place(steps: Sequence[Step]) -> Bytes:
    """Give every unplaced buffer of these steps a place in one arena, which is returned.

    Largest first, each at the lowest offset where it meets no buffer that lives at the same time.
    """
    lifetimes = sorted(
        _lifetimes(steps), key=lambda life: (-life.buffer.size, life.first, life.buffer.name)
    )
    placed: list[_Lifetime] = []
    for life in lifetimes:
        life.offset = _lowest_gap(life, placed)
        placed.append(life)
    end = max((life.offset + _aligned(life.buffer.size) for life in placed), default=0)
    arena = allocate(end)
    for life in placed:
        life.buffer.memory = arena[life.offset : life.offset + life.buffer.size]
    return arena


def _lifetimes(steps: Sequence[Step]) -> Iterable[_Lifetime]:
    found: dict[int, _Lifetime] = {}
    for index, step in enumerate(steps):
        for buffer in (*step.reads, *step.writes):
            if buffer.memory is None:
                found.setdefault(id(buffer), _Lifetime(buffer, index, index)).last = index
    for life in found.values():
        if life.buffer.pinned:
            life.first, life.last = -1, len(steps)
    return found.values()


def _lowest_gap(life: _Lifetime, placed: Sequence[_Lifetime]) -> int:
    neighbours = sorted(
        (other for other in placed if life.overlaps(other)), key=lambda other: other.offset
    )
    needed, offset = _aligned(life.buffer.size), 0
    for other in neighbours:
        if other.offset - offset >= needed:
            break
        offset = max(offset, other.offset + _aligned(other.buffer.size))
    return offset


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT

"""How the elements of an activation lie in memory.

``PLAIN`` is C order of (batch, channels, *spatial). ``BLOCKED`` is nChw16c: channels in blocks of 16, the block
innermost, so that one vector register holds 16 channels of one pixel. Channels are filled up to a multiple of 16 with
zeros, and every kernel keeps them zero: then they never change a result, and oneDNN never falls to its reference
kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, final

from dhcore._backends.cpu.onednn.memory import MemoryDescriptor

BLOCK: Final = 16


class Layout(Enum):
    """Order of the elements of an activation."""

    PLAIN = "plain"
    BLOCKED = "blocked"


def padded(channels: int) -> int:
    """Return the channels filled up to whole blocks."""
    return -(-channels // BLOCK) * BLOCK


def can_block(shape: Sequence[int]) -> bool:
    """Tell whether an array of this shape (with its batch) has channels and space."""
    return 3 <= len(shape) <= 5


def stored_shape(shape: Sequence[int], layout: Layout) -> tuple[int, ...]:
    """Return the shape in the order of memory: (N, C, *S), or (N, C/16, *S, 16)."""
    if layout is Layout.PLAIN:
        return tuple(shape)
    return (shape[0], padded(shape[1]) // BLOCK, *shape[2:], BLOCK)


def filled_shape(shape: Sequence[int], layout: Layout) -> tuple[int, ...]:
    """Return the logical shape with the channels of zeros counted."""
    return tuple(shape) if layout is Layout.PLAIN else (shape[0], padded(shape[1]), *shape[2:])


def element_count(shape: Sequence[int], layout: Layout) -> int:
    """Return how many elements the array takes in memory."""
    count = 1
    for extent in stored_shape(shape, layout):
        count *= extent
    return count


def described(shape: Sequence[int], layout: Layout, *, filled: bool = True) -> MemoryDescriptor:
    """Describe an activation to oneDNN; ``filled`` counts the channels of zeros as channels."""
    if layout is Layout.PLAIN:
        return MemoryDescriptor.plain(shape)
    return MemoryDescriptor.blocked(filled_shape(shape, layout) if filled else shape)


@final
@dataclass(frozen=True, slots=True)
class Strides:
    """Steps in elements between samples, blocks of 16 channels, channels of a block and pixels."""

    sample: int
    block: int
    channel: int
    pixel: int

    @classmethod
    def of(cls, shape: Sequence[int], layout: Layout) -> Strides:
        """Return the strides of an activation (N, C, *S)."""
        pixels = element_count(shape[2:], Layout.PLAIN)
        if layout is Layout.PLAIN:
            return cls(shape[1] * pixels, BLOCK * pixels, pixels, 1)
        return cls(padded(shape[1]) * pixels, BLOCK * pixels, 1, BLOCK)

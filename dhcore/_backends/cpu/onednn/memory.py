"""Descriptors of arrays in memory: shape and order of the elements, float32 only."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final, final

from dhcore._backends.cpu.onednn import constants as c
from dhcore._backends.cpu.onednn.library import check, required

_PLAIN: Final = {1: c.Tag.A, 2: c.Tag.AB, 3: c.Tag.ABC, 4: c.Tag.ABCD, 5: c.Tag.ABCDE}
_BLOCKED: Final = {3: c.Tag.NCW16C, 4: c.Tag.NCHW16C, 5: c.Tag.NCDHW16C}


def dimensions(values: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    """Return the C array of extents, strides or paddings."""
    return (ctypes.c_int64 * c.MAXIMUM_AXES)(*values)


@final
class MemoryDescriptor:
    """A ``dnnl_memory_desc_t``: opaque bytes that the library fills."""

    __slots__ = ("raw",)

    def __init__(self, raw: ctypes.Array[ctypes.c_char] | None = None) -> None:
        self.raw = ctypes.create_string_buffer(c.MEMORY_DESCRIPTOR_BYTES) if raw is None else raw

    @classmethod
    def tagged(cls, shape: Sequence[int], tag: int) -> MemoryDescriptor:
        """Describe float32 elements of this shape in the order of a tag; ``Tag.ANY`` lets a primitive choose."""
        descriptor = cls()
        status = required().dnnl_memory_desc_init_by_tag(
            descriptor.raw, len(shape), dimensions(shape), c.FLOAT32, int(tag)
        )
        check(status, f"memory_desc_init_by_tag{tuple(shape)}")
        return descriptor

    @classmethod
    def strided(cls, shape: Sequence[int], strides: Sequence[int]) -> MemoryDescriptor:
        """Describe float32 elements of this shape with strides counted in elements."""
        descriptor = cls()
        status = required().dnnl_memory_desc_init_by_strides(
            descriptor.raw, len(shape), dimensions(shape), c.FLOAT32, dimensions(strides)
        )
        check(status, f"memory_desc_init_by_strides{tuple(shape)}")
        return descriptor

    @classmethod
    def plain(cls, shape: Sequence[int]) -> MemoryDescriptor:
        """Describe elements in C order."""
        return (
            cls.tagged(shape, _PLAIN[len(shape)])
            if len(shape) in _PLAIN
            else cls.strided(shape, _strides(shape))
        )

    @classmethod
    def blocked(cls, shape: Sequence[int]) -> MemoryDescriptor:
        """Describe (batch, channels, *spatial) in blocks of 16 channels, the innermost axis (nChw16c)."""
        return cls.tagged(shape, _BLOCKED[len(shape)])

    @classmethod
    def any_order(cls, shape: Sequence[int]) -> MemoryDescriptor:
        """Leave the order to the primitive."""
        return cls.tagged(shape, c.Tag.ANY)

    @classmethod
    def copied(cls, address: int) -> MemoryDescriptor:
        """Copy the descriptor at an address inside the library."""
        return cls(
            ctypes.create_string_buffer(ctypes.string_at(address, c.MEMORY_DESCRIPTOR_BYTES))
        )

    def part(self, shape: Sequence[int], offsets: Sequence[int]) -> MemoryDescriptor:
        """Describe a box within the array; in blocked layouts it begins and ends at whole blocks."""
        descriptor = MemoryDescriptor()
        status = required().dnnl_memory_desc_init_submemory(
            descriptor.raw, self.raw, dimensions(shape), dimensions(offsets)
        )
        check(status, f"memory_desc_init_submemory{tuple(shape)}")
        return descriptor

    @property
    def size(self) -> int:
        """Bytes that the array takes, padding included."""
        return int(required().dnnl_memory_desc_get_size(self.raw))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MemoryDescriptor) and bool(
            required().dnnl_memory_desc_equal(self.raw, other.raw)
        )

    __hash__ = None  # type: ignore[assignment]  # equality asks the library; there is nothing to hash


def _strides(shape: Sequence[int]) -> list[int]:
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return strides

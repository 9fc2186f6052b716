"""Primitives: chosen by a descriptor, created once, bound once to addresses, executed many times."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Mapping
from typing import final

from dhcore._backends.cpu.onednn import constants as c
from dhcore._backends.cpu.onednn.library import OneDnnError, check, engine, required, stream
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor


class _ExecutionArgument(ctypes.Structure):
    _fields_ = (("argument", ctypes.c_int), ("memory", ctypes.c_void_p))


@final
class PrimitiveDescriptor:
    """Which implementation will compute an operation, and the layouts that it wants."""

    __slots__ = ("__weakref__", "handle")

    def __init__(self, handle: ctypes.c_void_p) -> None:
        self.handle = handle
        weakref.finalize(self, required().dnnl_primitive_desc_destroy, handle)

    @property
    def implementation(self) -> str:
        """Name of the implementation, such as ``jit:avx512_core``."""
        text = ctypes.c_char_p()
        status = required().dnnl_primitive_desc_query(
            self.handle, int(c.Query.IMPLEMENTATION), 0, ctypes.byref(text)
        )
        check(status, "primitive_desc_query")
        return (text.value or b"").decode()

    @property
    def is_reference(self) -> bool:
        """Whether this is a kernel of last resort, 100 to 1000 times slower than the others."""
        return self.implementation.startswith(("ref", "nspc_bnorm"))

    def memory(self, query: c.Query) -> MemoryDescriptor:
        """Return the layout of one of its arrays."""
        address = required().dnnl_primitive_desc_query_md(self.handle, int(query), 0)
        return MemoryDescriptor.copied(address) if address else MemoryDescriptor()

    def size(self, query: c.Query) -> int:
        """Return the bytes of one of its arrays, 0 if it has none."""
        address = required().dnnl_primitive_desc_query_md(self.handle, int(query), 0)
        return MemoryDescriptor.copied(address).size if address else 0


@final
class Primitive:
    """An implementation made ready (its code is generated here)."""

    __slots__ = ("__weakref__", "descriptor", "handle")

    def __init__(self, descriptor: PrimitiveDescriptor) -> None:
        self.descriptor = descriptor
        self.handle = ctypes.c_void_p()
        status = required().dnnl_primitive_create(ctypes.byref(self.handle), descriptor.handle)
        check(status, f"primitive_create({descriptor.implementation})")
        weakref.finalize(self, required().dnnl_primitive_destroy, self.handle)

    def bind(
        self, arguments: Mapping[c.Argument, tuple[MemoryDescriptor, int]]
    ) -> Callable[[], None]:
        """Return a function that runs the primitive on these (layout, address) pairs."""
        memories = [_Memory(descriptor, address) for descriptor, address in arguments.values()]
        array = (_ExecutionArgument * len(memories))(
            *(
                _ExecutionArgument(int(key), memory.handle)
                for key, memory in zip(arguments, memories, strict=True)
            )
        )
        execute = required().dnnl_primitive_execute
        primitive, queue, count = self.handle, stream(), len(memories)
        pointer = ctypes.cast(array, ctypes.c_void_p)

        def run(keep: object = (self, memories, array)) -> None:
            del keep
            status = execute(primitive, queue, count, pointer)
            if status:
                raise OneDnnError(f"primitive_execute({self.descriptor.implementation})", status)

        return run


@final
class _Memory:
    __slots__ = ("__weakref__", "handle")

    def __init__(self, descriptor: MemoryDescriptor, address: int) -> None:
        self.handle = ctypes.c_void_p()
        status = required().dnnl_memory_create(
            ctypes.byref(self.handle), descriptor.raw, engine(), ctypes.c_void_p(address)
        )
        check(status, "memory_create")
        weakref.finalize(self, required().dnnl_memory_destroy, self.handle)

"""Finding and loading the library, and the check around each of its calls."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys
import warnings
from pathlib import Path
from typing import Final, final

from dhcore._backends.cpu.onednn import constants as c
from dhcore.errors import DhcoreError

_NAMES: Final = ("libdnnl.so.2", "libdnnl.so.2.6")


@final
class OneDnnError(DhcoreError, RuntimeError):
    """A call of oneDNN returned a status that is not success."""

    def __init__(self, call: str, status: int) -> None:
        self.call = call
        self.status = status
        known = {int(member): member.name.lower() for member in c.Status}
        super().__init__(call, status)
        self._text = f"oneDNN: {call} returned {known.get(status, 'unknown')} ({status})"

    def __str__(self) -> str:
        return self._text


@final
class OneDnnUnavailableWarning(RuntimeWarning):
    """oneDNN cannot be used here; plans run on portable kernels with the same results, slower."""


def check(status: int, call: str) -> None:
    """Raise :class:`OneDnnError` that names the call and the code unless the status is success."""
    if status != c.Status.SUCCESS:
        raise OneDnnError(call, status)


@functools.cache
def load() -> ctypes.CDLL | None:
    """Return the library, or ``None`` with one warning that says why plans will use portable kernels."""
    library, reason = _open()
    if library is None:
        warnings.warn(
            f"oneDNN is not used: {reason}. Training runs on the portable kernels: the same results, slower.",
            OneDnnUnavailableWarning,
            stacklevel=2,
        )
    return library


@functools.cache
def engine() -> ctypes.c_void_p:
    """Return the one CPU engine of this process."""
    handle = ctypes.c_void_p()
    check(
        required().dnnl_engine_create(ctypes.byref(handle), c.ENGINE_CPU, ctypes.c_size_t(0)),
        "engine_create",
    )
    return handle


@functools.cache
def stream() -> ctypes.c_void_p:
    """Return the one stream of this process; on a CPU it has no state, each call returns when it is done."""
    handle = ctypes.c_void_p()
    check(
        required().dnnl_stream_create(ctypes.byref(handle), engine(), c.STREAM_DEFAULT),
        "stream_create",
    )
    return handle


def required() -> ctypes.CDLL:
    """Return the library where the caller has already made sure that it is there."""
    library = load()
    assert library is not None, "plans without oneDNN take no step that needs it"
    return library


@functools.cache
def openmp() -> ctypes.CDLL:
    """Return libgomp, the thread pool that oneDNN and numba share."""
    return ctypes.CDLL("libgomp.so.1")


def _open() -> tuple[ctypes.CDLL | None, str]:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return (
            None,
            f"the wheel is for Linux on x86-64, this is {sys.platform} on {platform.machine()}",
        )
    try:
        openmp()
    except OSError:
        return None, "libgomp.so.1 is missing (Debian: apt install libgomp1)"
    found = [path for folder in _folders() for name in _NAMES if (path := folder / name).exists()]
    if not found:
        return None, "libdnnl.so.2 was not found (pip install onednn-cpu-gomp==2022.2.1)"
    try:
        # Deep binding: another oneDNN that is loaded in this process must not answer for this one.
        library = ctypes.CDLL(str(found[0]), mode=os.RTLD_LOCAL | os.RTLD_NOW | os.RTLD_DEEPBIND)
    except OSError as error:
        return None, f"{found[0]} could not be loaded ({error})"
    return _declare(library)


def _folders() -> list[Path]:
    system = [Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib64"), Path("/usr/local/lib")]
    return [Path(sys.prefix) / "lib", Path(sys.base_prefix) / "lib", *system]


class _Version(ctypes.Structure):
    _fields_ = (("major", ctypes.c_int), ("minor", ctypes.c_int), ("patch", ctypes.c_int))


def _declare(library: ctypes.CDLL) -> tuple[ctypes.CDLL | None, str]:
    library.dnnl_version.restype = ctypes.POINTER(_Version)
    version = library.dnnl_version().contents
    if (version.major, version.minor) != (2, 6):
        return None, f"oneDNN 2.6 is needed, {version.major}.{version.minor} was found"
    if library.dnnl_get_effective_cpu_isa() & c.AVX512_CORE != c.AVX512_CORE:
        return None, "blocks of 16 channels need a processor with AVX-512"
    library.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
    library.dnnl_primitive_desc_query_md.restype = ctypes.c_void_p
    library.dnnl_primitive_execute.argtypes = (
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_void_p,
    )
    # Plans keep their primitives; a second cache would keep those of plans long gone.
    check(library.dnnl_set_primitive_cache_capacity(0), "set_primitive_cache_capacity")
    return library, ""

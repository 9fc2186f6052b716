"""How many threads the numerical kernels use.

One number rules BLAS, numba and OpenMP (oneDNN). Kernels ask for it when they start, in the thread in which they
run, so it also holds in the threads of a task runtime. It is part of what makes results reproducible: the same
number of threads gives the same bits.

BLAS itself is held at one thread once a kernel has run: kernels split the work among OpenMP threads, and a second
pool spinning beside them takes their cores (measured: a ResNet-18 step of 83 ms becomes 134 ms).
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Final

from threadpoolctl import ThreadpoolController

__all__ = ["available", "count", "limit", "set_threads", "synchronise"]

_limit: Final[ContextVar[int | None]] = ContextVar("dhcore_threads", default=None)


class _Process:
    """The number set for the whole process, and what each thread has already been told."""

    threads: int | None = None
    told: Final = threading.local()


def available() -> int:
    """Return how many threads there are to use: ``OMP_NUM_THREADS``, or else the cores this process may run on.

    >>> available() >= 1
    True
    """
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def count() -> int:
    """Return how many threads a kernel that starts now uses.

    >>> with limit(1):
    ...     count()
    1
    """
    return _limit.get() or _Process.threads or available()


def set_threads(threads: int) -> None:
    """Set how many threads kernels use in this process.

    Args:
        threads: 1 or more.

    Raises:
        ValueError: It is less than 1.

    >>> set_threads(available())
    """
    _Process.threads = _checked(threads)


@contextmanager
def limit(threads: int) -> Iterator[None]:
    """Use this many threads within a block (and, like any context variable, only in its thread).

    Args:
        threads: 1 or more.

    Raises:
        ValueError: It is less than 1.

    >>> with limit(2):
    ...     count()
    2
    """
    token = _limit.set(_checked(threads))
    try:
        yield
    finally:
        _limit.reset(token)


def synchronise() -> int:
    """Tell BLAS, numba and OpenMP, in the calling thread, to use :func:`count` threads; return that number.

    Kernels call it before they start. Once told, asking again costs a comparison.

    >>> synchronise() == count()
    True
    """
    wanted = count()
    told = _Process.told
    numba = sys.modules.get("numba")
    # numba, and another BLAS, may be imported after the first call: then they have to be told as well.
    state = (wanted, numba is not None, "scipy.linalg" in sys.modules)
    if getattr(told, "state", None) != state:
        _hold_blas()
        if numba is not None:
            numba.set_num_threads(min(wanted, numba.config.NUMBA_NUM_THREADS))
        # After numba: when it starts its pool it sets OpenMP's number to all cores.
        _tell_openmp(wanted)
        told.state = state
    return wanted


def _checked(threads: int) -> int:
    if threads < 1:
        raise ValueError(f"expected 1 thread or more; found {threads!r}")
    return threads


def _hold_blas() -> None:
    # Not as a context: BLAS stays at one thread, see the module docstring.
    ThreadpoolController().select(user_api="blas").limit(limits=1)


@cache
def _libgomp() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libgomp.so.1")
    except OSError:
        return None


def _tell_openmp(threads: int) -> None:
    library = _libgomp()
    if library is not None:
        library.omp_set_num_threads(ctypes.c_int(threads))

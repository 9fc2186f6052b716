"""How the kernels of the processor are compiled: by numba, in parallel over OpenMP threads, and kept on disk.

Loops run in parallel over results that do not depend on each other, or over as many chunks as there are threads
whose parts are then added in order: so the same number of threads gives the same bits.
"""

from __future__ import annotations

from typing import Final

import numba

# numba's products of matrices call the BLAS in here: it has to be loaded before its threads are held at one.
import scipy.linalg.cython_blas  # noqa: F401  # loaded for its library

from dhcore._backends.base import Kernel, Shape

# The OpenMP layer shares its threads with oneDNN; the others are for platforms without it.
numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]

#: Products followed by sums may be fused, and the sign of zero is free. Nothing is reordered:
#: ``x - largest - logarithm`` keeps its digits only in that order.
_EXACT: Final = frozenset({"contract", "nsz"})
#: Sums may be reordered as well, which lets them be vectorised; the order is the same in every run.
_REORDERED: Final = _EXACT | {"reassoc"}


def _compiled(function: Kernel, fastmath: frozenset[str], *, threads: bool) -> Kernel:
    options = {"parallel": threads, "cache": True, "nogil": True, "error_model": "numpy"}
    compiled: Kernel = numba.njit(**options, fastmath=set(fastmath))(function)
    return compiled


def parallel(function: Kernel) -> Kernel:
    """Compile a kernel whose ``prange`` loops run on all threads."""
    return _compiled(function, _EXACT, threads=True)


def parallel_sum(function: Kernel) -> Kernel:
    """Compile a kernel that adds up long rows, in whatever order is fast."""
    return _compiled(function, _REORDERED, threads=True)


def serial(function: Kernel) -> Kernel:
    """Compile a part of a kernel."""
    return _compiled(function, _EXACT, threads=False)


def in_three(values: Shape, fill: int) -> tuple[int, int, int]:
    """Give numbers of 1 to 3 spatial axes the form of three, so that one kernel serves volumes, images and signals."""
    full = (*(fill,) * (3 - len(values)), *values)
    return full[0], full[1], full[2]

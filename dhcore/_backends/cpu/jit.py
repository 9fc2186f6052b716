"""How the kernels of the processor are compiled: by numba, in parallel over OpenMP threads, and kept on disk.

Loops run in parallel over results that do not depend on each other, or over as many chunks as there are threads
whose parts are then added in order: so the same number of threads gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba

# numba's products of matrices call the BLAS in here: it has to be loaded before its threads are held at one.
import scipy.linalg.cython_blas  # noqa: F401  # loaded for its library

from dhcore._backends.base import Shape

# The OpenMP layer shares its threads with oneDNN; the others are for platforms without it.
numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]

#: What may be rearranged: sums (to vectorise them) and products followed by sums; never NaN or infinity.
FAST: Final = frozenset({"reassoc", "contract", "nsz"})


def parallel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel whose ``prange`` loops run on all threads."""
    options = {
        "parallel": True,
        "cache": True,
        "nogil": True,
        "error_model": "numpy",
        "fastmath": set(FAST),
    }
    compiled: Callable[..., Any] = numba.njit(**options)(function)
    return compiled


def serial(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a part of a kernel."""
    options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": set(FAST)}
    compiled: Callable[..., Any] = numba.njit(**options)(function)
    return compiled


def in_three(values: Shape, fill: int) -> tuple[int, int, int]:
    """Give numbers of 1 to 3 spatial axes the form of three, so that one kernel serves volumes, images and signals."""
    full = (*(fill,) * (3 - len(values)), *values)
    return full[0], full[1], full[2]

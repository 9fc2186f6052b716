"""How the kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba

# libgomp is the pool that oneDNN uses; a second pool beside it would spin and take its cores.
numba.config.THREADING_LAYER = "omp"

#: Sums may be reassociated (always in the same way: the bits repeat), multiplications fused; NaN and infinity stay.
_FAST_MATH: Final = {"contract", "reassoc", "arcp", "nsz"}


def parallel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function whose ``prange`` loops run on the threads of the pool."""
    compiled: Callable[..., Any] = numba.njit(
        parallel=True, cache=True, nogil=True, fastmath=_FAST_MATH
    )(function)
    return compiled


def serial(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function for one thread; also one that parallel kernels call."""
    compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True, fastmath=_FAST_MATH)(function)
    return compiled

"""Clipping: a bound on the length of the gradient."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# The order of the sum is fixed by this length, so the norm does not depend on NumPy's or the BLAS's blocking.
_BLOCK: Final = 1 << 16


def norm(gradient: NDArray[np.float32]) -> float:
    """Euclidean length of a flat gradient, summed in double precision in a fixed order.

    >>> norm(np.array([3.0, 4.0], np.float32))
    5.0
    """
    total = 0.0
    for start in range(0, gradient.size, _BLOCK):
        block = gradient[start : start + _BLOCK].astype(np.float64)
        total += float(np.sum(block * block))
    return float(np.sqrt(total))


def clip_by_norm(gradient: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """The gradient, scaled down to length ``limit`` when it is longer (Pascanu et al., 2013).

    >>> clip_by_norm(np.array([3.0, 4.0], np.float32), 1.0)
    array([0.6, 0.8], dtype=float32)
    """
    length = norm(gradient)
    if length <= limit:
        return gradient
    return gradient * np.float32(limit / length)

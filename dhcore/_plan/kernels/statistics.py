"""One pass over the flat arena of running statistics."""

from __future__ import annotations

import numpy as np
from numba import prange

from dhcore._backends.cpu.jit import parallel
from dhcore._plan.buffers import Floats


@parallel
def running_statistics(statistics: Floats, buffers: Floats, rate: Floats, factor: Floats) -> None:
    """buffers += rate * (factor * statistics - buffers); the factor makes a biased variance unbiased."""
    for i in prange(buffers.size):
        if rate[i] != np.float32(0.0):
            buffers[i] += rate[i] * (factor[i] * statistics[i] - buffers[i])

"""Enlarging by whole factors, one axis after the other: each new element is a blend of two old ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import prange

from dhcore._backends.base import Array, KernelTable, Shape
from dhcore._backends.cpu.jit import parallel
from dhcore.threads import synchronise


@parallel
def _blend(x: Array, low: Array, high: Array, fraction: Array, y: Array) -> None:
    one = x.dtype.type(1)
    for o in prange(x.shape[0]):
        for t in range(y.shape[1]):
            a, b, f = low[t], high[t], fraction[t]
            for i in range(x.shape[2]):
                # At fraction 0 the other element must not enter, not even as 0 * infinity.
                y[o, t, i] = x[o, a, i] if f == 0 else (one - f) * x[o, a, i] + f * x[o, b, i]


@parallel
def _blend_backward(g: Array, low: Array, high: Array, fraction: Array, out: Array) -> None:
    one = g.dtype.type(1)
    for o in prange(g.shape[0]):
        for t in range(g.shape[1]):
            a, b, f = low[t], high[t], fraction[t]
            for i in range(g.shape[2]):
                out[o, a, i] += (one - f) * g[o, t, i]
                if f != 0:
                    out[o, b, i] += f * g[o, t, i]


def _sources(
    extent: int, factor: int, mode: str, dtype: np.dtype[np.floating]
) -> tuple[Array, Array, Array]:
    """Which two old elements each new one blends, and the share of the second."""
    targets = np.arange(extent * factor)
    if mode == "nearest":
        low = targets // factor
        return low, low, np.zeros(low.size, dtype)
    source = np.clip((targets + 0.5) / factor - 0.5, 0, extent - 1)
    low = np.floor(source).astype(np.int64)
    return low, np.minimum(low + 1, extent - 1), (source - low).astype(dtype)


def _split(x: Array, axis: int) -> Array:
    inner = int(np.prod(x.shape[axis + 1 :]))
    return np.ascontiguousarray(x).reshape(int(np.prod(x.shape[:axis])), x.shape[axis], inner)


def _upsample(x: Array, *, factor: Shape, mode: str) -> Array:
    synchronise()
    # The last axis first: its pass has the shortest runs, so it should see the fewest elements.
    for axis in range(x.ndim - 1, 1, -1):
        if factor[axis - 2] == 1:
            continue
        parts = _split(x, axis)
        extent = x.shape[axis]
        y = np.empty((parts.shape[0], extent * factor[axis - 2], parts.shape[2]), x.dtype)
        _blend(parts, *_sources(extent, factor[axis - 2], mode, x.dtype), y)
        x = y.reshape(*x.shape[:axis], extent * factor[axis - 2], *x.shape[axis + 1 :])
    return x


def _upsample_backward(g: Array, *, shape: Shape, factor: Shape, mode: str) -> Array:
    synchronise()
    for axis in range(2, g.ndim):
        if factor[axis - 2] == 1:
            continue
        parts = _split(g, axis)
        out = np.zeros((parts.shape[0], shape[axis], parts.shape[2]), g.dtype)
        _blend_backward(parts, *_sources(shape[axis], factor[axis - 2], mode, g.dtype), out)
        g = out.reshape(*g.shape[:axis], shape[axis], *g.shape[axis + 1 :])
    return g


KERNELS: Final[KernelTable] = {"upsample": _upsample, "upsample_backward": _upsample_backward}

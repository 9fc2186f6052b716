"""Softmax and its logarithm along one axis: each index before the axis on one thread."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import prange

from dhcore._backends.base import Array, KernelTable
from dhcore._backends.cpu.jit import parallel
from dhcore.threads import synchronise


@parallel
def _softmax(x: Array, y: Array, logarithm: int) -> None:
    outer, extent, inner = x.shape
    for o in prange(outer):
        largest = x[o, 0].copy()
        for c in range(1, extent):
            for i in range(inner):
                largest[i] = max(largest[i], x[o, c, i])
        total = np.zeros(inner, x.dtype)
        for c in range(extent):
            for i in range(inner):
                y[o, c, i] = math.exp(x[o, c, i] - largest[i])
                total[i] += y[o, c, i]
        for i in range(inner):
            total[i] = math.log(total[i]) if logarithm else 1 / total[i]
        for c in range(extent):
            for i in range(inner):
                y[o, c, i] = (
                    x[o, c, i] - largest[i] - total[i] if logarithm else y[o, c, i] * total[i]
                )


@parallel
def _backward(g: Array, y: Array, out: Array, logarithm: int) -> None:
    outer, extent, inner = y.shape
    for o in prange(outer):
        total = np.zeros(inner, y.dtype)
        for c in range(extent):
            for i in range(inner):
                total[i] += g[o, c, i] if logarithm else g[o, c, i] * y[o, c, i]
        for c in range(extent):
            for i in range(inner):
                if logarithm:
                    out[o, c, i] = g[o, c, i] - math.exp(y[o, c, i]) * total[i]
                else:
                    out[o, c, i] = y[o, c, i] * (g[o, c, i] - total[i])


def _split(x: Array, axis: int) -> Array:
    """The array as (before, axis, after)."""
    outer = int(np.prod(x.shape[:axis]))
    return np.ascontiguousarray(x).reshape(outer, x.shape[axis], int(np.prod(x.shape[axis + 1 :])))


def _forward_of(x: Array, axis: int, logarithm: int) -> Array:
    synchronise()
    parts = _split(x, axis)
    y = np.empty_like(parts)
    if x.size:
        _softmax(parts, y, logarithm)
    return y.reshape(x.shape)


def _backward_of(g: Array, y: Array, axis: int, logarithm: int) -> Array:
    synchronise()
    parts = _split(y, axis)
    out = np.empty_like(parts)
    _backward(_split(g, axis), parts, out, logarithm)
    return out.reshape(y.shape)


def softmax(x: Array, *, axis: int) -> Array:
    """Return exp(x) / sum(exp(x))."""
    return _forward_of(x, axis, 0)


def log_softmax(x: Array, *, axis: int) -> Array:
    """Return x - log(sum(exp(x)))."""
    return _forward_of(x, axis, 1)


def _softmax_backward(g: Array, y: Array, *, axis: int) -> Array:
    return _backward_of(g, y, axis, 0)


def _log_softmax_backward(g: Array, y: Array, *, axis: int) -> Array:
    return _backward_of(g, y, axis, 1)


KERNELS: Final[KernelTable] = {
    "softmax": softmax,
    "softmax_backward": _softmax_backward,
    "log_softmax": log_softmax,
    "log_softmax_backward": _log_softmax_backward,
}

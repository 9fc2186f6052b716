"""Batch normalisation: each channel on one thread, sums in float64."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import prange

from dhcore._backends.base import Array, KernelTable
from dhcore._backends.cpu.jit import parallel
from dhcore.threads import synchronise


@parallel
def _statistics(x: Array, mean: Array, variance: Array) -> None:
    count = x.shape[0] * x.shape[2]
    for c in prange(x.shape[1]):
        total = 0.0
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                total += x[n, c, i]
        centre = total / count
        squares = 0.0
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                difference = x[n, c, i] - centre
                squares += difference * difference
        mean[c] = centre
        variance[c] = squares / count


@parallel
def _affine(x: Array, factor: Array, offset: Array, y: Array) -> None:
    for plane in prange(x.shape[0] * x.shape[1]):
        n, c = plane // x.shape[1], plane % x.shape[1]
        for i in range(x.shape[2]):
            y[n, c, i] = x[n, c, i] * factor[c] + offset[c]


@parallel
def _projections(g: Array, x: Array, mean: Array, sums: Array, products: Array) -> None:
    """Sum of g, and of g * (x - mean), of each channel."""
    for c in prange(x.shape[1]):
        total, product = 0.0, 0.0
        for n in range(x.shape[0]):
            for i in range(x.shape[2]):
                total += g[n, c, i]
                product += g[n, c, i] * (x[n, c, i] - mean[c])
        sums[c] = total
        products[c] = product


@parallel
def _combine(g: Array, x: Array, a: Array, b: Array, offset: Array, out: Array) -> None:
    """``a * g + b * x + offset`` by channel."""
    for plane in prange(x.shape[0] * x.shape[1]):
        n, c = plane // x.shape[1], plane % x.shape[1]
        for i in range(x.shape[2]):
            out[n, c, i] = a[c] * g[n, c, i] + b[c] * x[n, c, i] + offset[c]


def _flat(x: Array) -> Array:
    """(N, C, *S) as (N, C, P)."""
    return np.ascontiguousarray(x).reshape(x.shape[0], x.shape[1], int(np.prod(x.shape[2:])))


def _batch_norm(
    x: Array, scale: Array, shift: Array, mean: Array, variance: Array, *, epsilon: float
) -> Array:
    synchronise()
    factor = scale / np.sqrt(variance.astype(np.float64) + epsilon)
    offset = shift - mean * factor
    y = np.empty((x.shape[0], x.shape[1], int(np.prod(x.shape[2:]))), x.dtype)
    _affine(_flat(x), factor.astype(x.dtype), offset.astype(x.dtype), y)
    return y.reshape(x.shape)


def _batch_norm_training(
    x: Array, scale: Array, shift: Array, *, epsilon: float
) -> tuple[Array, Array, Array]:
    synchronise()
    mean, variance = np.empty(x.shape[1], np.float64), np.empty(x.shape[1], np.float64)
    _statistics(_flat(x), mean, variance)
    y = _batch_norm(x, scale, shift, mean, variance, epsilon=epsilon)
    return y, mean.astype(x.dtype), variance.astype(x.dtype)


def _sums(g: Array, x: Array, mean: Array) -> tuple[Array, Array]:
    synchronise()
    sums, products = np.empty(x.shape[1], np.float64), np.empty(x.shape[1], np.float64)
    _projections(_flat(g), _flat(x), mean, sums, products)
    return sums, products


def _batch_norm_backward(
    g: Array, x: Array, scale: Array, mean: Array, variance: Array, *, epsilon: float
) -> tuple[Array, Array, Array]:
    sums, products = _sums(g, x, mean)
    inverse = 1 / np.sqrt(variance.astype(np.float64) + epsilon)
    out = np.empty((x.shape[0], x.shape[1], int(np.prod(x.shape[2:]))), x.dtype)
    _affine(_flat(g), (scale * inverse).astype(x.dtype), np.zeros_like(scale), out)
    return out.reshape(x.shape), (products * inverse).astype(x.dtype), sums.astype(x.dtype)


def _batch_norm_training_backward(
    g: Array, x: Array, scale: Array, mean: Array, variance: Array, *, epsilon: float
) -> tuple[Array, Array, Array]:
    # scale / deviation * (g - mean(g) - normalised * mean(g * normalised)), gathered by powers of g and x.
    sums, products = _sums(g, x, mean)
    inverse = 1 / np.sqrt(variance.astype(np.float64) + epsilon)
    count = x.size // x.shape[1]
    factor = scale * inverse
    slope = -factor * inverse**2 * products / count
    offset = -factor * sums / count - slope * mean
    out = np.empty((x.shape[0], x.shape[1], int(np.prod(x.shape[2:]))), x.dtype)
    _combine(_flat(g), _flat(x), *(part.astype(x.dtype) for part in (factor, slope, offset)), out)
    return out.reshape(x.shape), (products * inverse).astype(x.dtype), sums.astype(x.dtype)


KERNELS: Final[KernelTable] = {
    "batch_norm": _batch_norm,
    "batch_norm_backward": _batch_norm_backward,
    "batch_norm_training": _batch_norm_training,
    "batch_norm_training_backward": _batch_norm_training_backward,
}

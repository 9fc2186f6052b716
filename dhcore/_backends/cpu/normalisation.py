"""Batch normalisation: each channel on one thread, sums in float64."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import prange

from dhcore._backends.base import Array, KernelTable
from dhcore._backends.cpu.jit import parallel, parallel_sum
from dhcore.threads import synchronise


@parallel_sum
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
def _affine(x: Array, mean: Array, factor: Array, shift: Array, y: Array) -> None:
    """``(x - mean) * factor + shift`` by channel: the difference first, lest digits cancel."""
    for plane in prange(x.shape[0] * x.shape[1]):
        n, c = plane // x.shape[1], plane % x.shape[1]
        for i in range(x.shape[2]):
            y[n, c, i] = (x[n, c, i] - mean[c]) * factor[c] + shift[c]


@parallel_sum
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
def _combine(
    g: Array, x: Array, mean: Array, factor: Array, slope: Array, offset: Array, out: Array
) -> None:
    """``g * factor + (x - mean) * slope + offset`` by channel."""
    for plane in prange(x.shape[0] * x.shape[1]):
        n, c = plane // x.shape[1], plane % x.shape[1]
        for i in range(x.shape[2]):
            out[n, c, i] = g[n, c, i] * factor[c] + (x[n, c, i] - mean[c]) * slope[c] + offset[c]


def _flat(x: Array) -> Array:
    """(N, C, *S) as (N, C, P)."""
    return np.ascontiguousarray(x).reshape(x.shape[0], x.shape[1], int(np.prod(x.shape[2:])))


def _batch_norm(
    x: Array, scale: Array, shift: Array, mean: Array, variance: Array, *, epsilon: float
) -> Array:
    synchronise()
    factor = scale / np.sqrt(variance.astype(np.float64) + epsilon)
    y = np.empty((x.shape[0], x.shape[1], int(np.prod(x.shape[2:]))), x.dtype)
    _affine(_flat(x), *(part.astype(x.dtype) for part in (mean, factor, shift)), y)
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
    zero = np.zeros_like(scale)
    _affine(_flat(g), zero, (scale * inverse).astype(x.dtype), zero, out)
    return out.reshape(x.shape), (products * inverse).astype(x.dtype), sums.astype(x.dtype)


def _batch_norm_training_backward(
    g: Array, x: Array, scale: Array, mean: Array, variance: Array, *, epsilon: float
) -> tuple[Array, Array, Array]:
    # scale / deviation * (g - mean(g) - normalised * mean(g * normalised)), gathered by g and x - mean.
    sums, products = _sums(g, x, mean)
    inverse = 1 / np.sqrt(variance.astype(np.float64) + epsilon)
    count = x.size // x.shape[1]
    factor = scale * inverse
    slope = -factor * inverse**2 * products / count
    offset = -factor * sums / count
    out = np.empty((x.shape[0], x.shape[1], int(np.prod(x.shape[2:]))), x.dtype)
    channels = (part.astype(x.dtype) for part in (mean, factor, slope, offset))
    _combine(_flat(g), _flat(x), *channels, out)
    return out.reshape(x.shape), (products * inverse).astype(x.dtype), sums.astype(x.dtype)


KERNELS: Final[KernelTable] = {
    "batch_norm": _batch_norm,
    "batch_norm_backward": _batch_norm_backward,
    "batch_norm_training": _batch_norm_training,
    "batch_norm_training_backward": _batch_norm_training_backward,
}

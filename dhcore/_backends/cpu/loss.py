"""Losses: cross-entropy has loops of its own, the others are a few passes of NumPy."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import prange

from dhcore._backends.base import Array, KernelTable, sample_weights
from dhcore._backends.cpu.jit import parallel
from dhcore._backends.reference import loss as reference
from dhcore.threads import synchronise


@parallel
def _cross_entropy(x: Array, target: Array, y: Array, losses: Array) -> None:
    """Softmax of each position into y, mean loss of each sample into losses."""
    samples, classes, positions = x.shape
    for n in prange(samples):
        loss = 0.0
        for p in range(positions):
            largest = x[n, 0, p]
            for c in range(1, classes):
                largest = max(largest, x[n, c, p])
            total = x.dtype.type(0)
            for c in range(classes):
                y[n, c, p] = math.exp(x[n, c, p] - largest)
                total += y[n, c, p]
            logarithm = math.log(total)
            for c in range(classes):
                y[n, c, p] /= total
                loss -= target[n, c, p] * (x[n, c, p] - largest - logarithm)
        losses[n] = loss / positions


@parallel
def _cross_entropy_backward(y: Array, target: Array, share: Array, out: Array) -> None:
    samples, classes, positions = y.shape
    for n in prange(samples):
        for p in range(positions):
            total = y.dtype.type(0)
            for c in range(classes):
                total += target[n, c, p]
            for c in range(classes):
                out[n, c, p] = share[n] * (y[n, c, p] * total - target[n, c, p])


def _flat(x: Array) -> Array:
    return np.ascontiguousarray(x).reshape(x.shape[0], x.shape[1], int(np.prod(x.shape[2:])))


def _softmax_cross_entropy(
    logits: Array, target: Array, weight: Array | None
) -> tuple[Array, Array]:
    synchronise()
    x = _flat(logits)
    y, losses = np.empty_like(x), np.empty(x.shape[0], np.float64)
    _cross_entropy(x, _flat(target), y, losses)
    loss = losses @ sample_weights(weight, x.shape[0], np.float64)
    return np.asarray(loss, logits.dtype), y.reshape(logits.shape)


def _softmax_cross_entropy_backward(
    g: Array, softmax: Array, target: Array, weight: Array | None
) -> Array:
    synchronise()
    y = _flat(softmax)
    share = (g * sample_weights(weight, y.shape[0], np.float64) / y.shape[2]).astype(y.dtype)
    out = np.empty_like(y)
    _cross_entropy_backward(y, _flat(target), share, out)
    return out.reshape(softmax.shape)


KERNELS: Final[KernelTable] = {
    **reference.KERNELS,
    "softmax_cross_entropy": _softmax_cross_entropy,
    "softmax_cross_entropy_backward": _softmax_cross_entropy_backward,
}

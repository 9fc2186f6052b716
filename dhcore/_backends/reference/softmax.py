"""Softmax and its logarithm along one axis; a large offset common to the axis changes nothing."""

from __future__ import annotations

from typing import Final

import numpy as np

from dhcore._backends.base import Array, KernelTable


def softmax(x: Array, *, axis: int) -> Array:
    """Return exp(x) / sum(exp(x))."""
    exponential = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=axis, keepdims=True))


def log_softmax(x: Array, *, axis: int) -> Array:
    """Return x - log(sum(exp(x)))."""
    shifted = x - x.max(axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


def _softmax_backward(g: Array, y: Array, *, axis: int) -> Array:
    return y * (g - (g * y).sum(axis=axis, keepdims=True))


def _log_softmax_backward(g: Array, y: Array, *, axis: int) -> Array:
    return g - np.exp(y) * g.sum(axis=axis, keepdims=True)


KERNELS: Final[KernelTable] = {
    "softmax": softmax,
    "softmax_backward": _softmax_backward,
    "log_softmax": log_softmax,
    "log_softmax_backward": _log_softmax_backward,
}

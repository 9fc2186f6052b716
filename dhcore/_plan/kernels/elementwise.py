"""Rectification, sums and the derivatives of both, over flat arrays in any layout."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import prange

from dhcore._backends.cpu.jit import parallel
from dhcore._plan.buffers import Floats

_ZERO: Final = np.float32(0.0)
_ONE: Final = np.float32(1.0)


@parallel
def accumulate(a: Floats, b: Floats, total: Floats) -> None:
    """total = a + b."""
    for i in prange(total.size):
        total[i] = a[i] + b[i]


@parallel
def clear(result: Floats) -> None:
    """result = 0."""
    for i in prange(result.size):
        result[i] = _ZERO


@parallel
def multiply(a: Floats, b: Floats, result: Floats) -> None:
    """result = a * b."""
    for i in prange(result.size):
        result[i] = a[i] * b[i]


@parallel
def scale(a: Floats, factor: Floats, result: Floats) -> None:
    """result = a * factor[0]."""
    for i in prange(result.size):
        result[i] = a[i] * factor[0]


@parallel
def relu(x: Floats, y: Floats) -> None:
    """y = max(x, 0), NaN kept."""
    for i in prange(y.size):
        # min and max that keep NaN: a comparison with NaN is false.
        y[i] = max(x[i], _ZERO)


@parallel
def add_relu(a: Floats, b: Floats, y: Floats) -> None:
    """y = max(a + b, 0)."""
    for i in prange(y.size):
        total = a[i] + b[i]
        y[i] = max(total, _ZERO)


@parallel
def relu_backward(y: Floats, g: Floats, result: Floats) -> None:
    """result = g where y > 0."""
    for i in prange(result.size):
        result[i] = g[i] if y[i] > _ZERO else _ZERO


@parallel
def relu_backward_of_sum(y: Floats, g1: Floats, g2: Floats, result: Floats) -> None:
    """result = g1 + g2 where y > 0."""
    for i in prange(result.size):
        result[i] = g1[i] + g2[i] if y[i] > _ZERO else _ZERO


@parallel
def sigmoid(x: Floats, y: Floats) -> None:
    """y = 1 / (1 + exp(-x)), without overflow."""
    for i in prange(y.size):
        power = np.exp(-abs(x[i]))
        y[i] = (_ONE if x[i] >= _ZERO else power) / (_ONE + power)


@parallel
def sigmoid_backward(y: Floats, g: Floats, result: Floats) -> None:
    """result = g y (1 - y)."""
    for i in prange(result.size):
        result[i] = g[i] * y[i] * (_ONE - y[i])


@parallel
def tanh(x: Floats, y: Floats) -> None:
    """y = tanh x."""
    for i in prange(y.size):
        y[i] = np.tanh(x[i])


@parallel
def tanh_backward(y: Floats, g: Floats, result: Floats) -> None:
    """result = g (1 - y^2)."""
    for i in prange(result.size):
        result[i] = g[i] * (_ONE - y[i] * y[i])

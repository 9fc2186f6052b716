"""Activations and functions of one array, element by element."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy import special

from dhcore._backends.base import Array, KernelTable


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _relu_backward(g: Array, x: Array, _y: Array) -> Array:
    return g * (x > 0)


def _leaky_relu(x: Array, *, alpha: float) -> Array:
    return np.where(x > 0, x, x.dtype.type(alpha) * x)


def _leaky_relu_backward(g: Array, x: Array, _y: Array, *, alpha: float) -> Array:
    return np.where(x > 0, g, g.dtype.type(alpha) * g)


def _elu(x: Array, *, alpha: float) -> Array:
    return np.where(x > 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0)))


def _elu_backward(g: Array, x: Array, y: Array, *, alpha: float) -> Array:
    return np.where(x > 0, g, g * (y + g.dtype.type(alpha)))


def _sigmoid_backward(g: Array, _x: Array, y: Array) -> Array:
    return g * y * (1 - y)


def _tanh_backward(g: Array, _x: Array, y: Array) -> Array:
    return g * (1 - y * y)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _softplus_backward(g: Array, x: Array, _y: Array) -> Array:
    return g * special.expit(x)


def _silu(x: Array) -> Array:
    return x * special.expit(x)


def _silu_backward(g: Array, x: Array, _y: Array) -> Array:
    sigmoid = special.expit(x)
    return g * sigmoid * (1 + x * (1 - sigmoid))


def _gelu(x: Array) -> Array:
    return x * special.ndtr(x)


def _gelu_backward(g: Array, x: Array, _y: Array) -> Array:
    density = np.exp(-x * x / 2) / x.dtype.type(math.sqrt(2 * math.pi))
    return g * (special.ndtr(x) + x * density)


KERNELS: Final[KernelTable] = {
    "relu": _relu,
    "relu_backward": _relu_backward,
    "leaky_relu": _leaky_relu,
    "leaky_relu_backward": _leaky_relu_backward,
    "elu": _elu,
    "elu_backward": _elu_backward,
    "sigmoid": special.expit,
    "sigmoid_backward": _sigmoid_backward,
    "tanh": np.tanh,
    "tanh_backward": _tanh_backward,
    "softplus": _softplus,
    "softplus_backward": _softplus_backward,
    "silu": _silu,
    "silu_backward": _silu_backward,
    "gelu": _gelu,
    "gelu_backward": _gelu_backward,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "negate": np.negative,
    "sign": np.sign,
}

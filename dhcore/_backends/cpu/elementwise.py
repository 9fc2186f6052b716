"""Activations, element by element, on all threads. What NumPy does at the speed of memory it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import prange

from dhcore._backends.base import Array, Kernel, KernelTable
from dhcore._backends.cpu.jit import parallel
from dhcore._backends.reference import elementwise as reference
from dhcore.threads import synchronise


@parallel
def _relu(x: Array, y: Array) -> None:
    for i in prange(x.size):
        # Not (x <= 0) rather than x > 0: NaN stays NaN.
        y[i] = x[i] if not x[i] <= 0 else 0


@parallel
def _relu_backward(g: Array, x: Array, _y: Array, out: Array) -> None:
    for i in prange(x.size):
        out[i] = g[i] if x[i] > 0 else 0


@parallel
def _leaky_relu(x: Array, y: Array, alpha: float) -> None:
    for i in prange(x.size):
        y[i] = x[i] if x[i] > 0 else alpha * x[i]


@parallel
def _leaky_relu_backward(g: Array, x: Array, _y: Array, out: Array, alpha: float) -> None:
    for i in prange(x.size):
        out[i] = g[i] if x[i] > 0 else alpha * g[i]


@parallel
def _elu(x: Array, y: Array, alpha: float) -> None:
    for i in prange(x.size):
        y[i] = x[i] if x[i] > 0 else alpha * math.expm1(x[i])


@parallel
def _elu_backward(g: Array, x: Array, y: Array, out: Array, alpha: float) -> None:
    for i in prange(x.size):
        out[i] = g[i] if x[i] > 0 else g[i] * (y[i] + alpha)


@parallel
def _sigmoid(x: Array, y: Array) -> None:
    one = x.dtype.type(1)
    for i in prange(x.size):
        y[i] = one / (one + math.exp(-x[i]))


@parallel
def _sigmoid_backward(g: Array, _x: Array, y: Array, out: Array) -> None:
    one = y.dtype.type(1)
    for i in prange(y.size):
        out[i] = g[i] * y[i] * (one - y[i])


@parallel
def _tanh(x: Array, y: Array) -> None:
    for i in prange(x.size):
        y[i] = math.tanh(x[i])


@parallel
def _tanh_backward(g: Array, _x: Array, y: Array, out: Array) -> None:
    one = y.dtype.type(1)
    for i in prange(y.size):
        out[i] = g[i] * (one - y[i] * y[i])


@parallel
def _softplus(x: Array, y: Array) -> None:
    zero = x.dtype.type(0)
    for i in prange(x.size):
        y[i] = max(x[i], zero) + math.log1p(math.exp(-abs(x[i])))


@parallel
def _softplus_backward(g: Array, x: Array, _y: Array, out: Array) -> None:
    one = x.dtype.type(1)
    for i in prange(x.size):
        out[i] = g[i] / (one + math.exp(-x[i]))


@parallel
def _silu(x: Array, y: Array) -> None:
    one = x.dtype.type(1)
    for i in prange(x.size):
        y[i] = x[i] / (one + math.exp(-x[i]))


@parallel
def _silu_backward(g: Array, x: Array, _y: Array, out: Array) -> None:
    one = x.dtype.type(1)
    for i in prange(x.size):
        sigmoid = one / (one + math.exp(-x[i]))
        out[i] = g[i] * sigmoid * (one + x[i] * (one - sigmoid))


@parallel
def _gelu(x: Array, y: Array, root: float) -> None:
    half = x.dtype.type(0.5)
    for i in prange(x.size):
        # erfc keeps its digits where 1 + erf would cancel.
        y[i] = half * x[i] * math.erfc(-x[i] * root)


@parallel
def _gelu_backward(g: Array, x: Array, _y: Array, out: Array, root: float, density: float) -> None:
    half = x.dtype.type(0.5)
    for i in prange(x.size):
        slope = half * math.erfc(-x[i] * root) + x[i] * density * math.exp(-half * x[i] * x[i])
        out[i] = g[i] * slope


def _forward(loop: Callable[..., Any], *constants: float) -> Kernel:
    """Make a kernel of a loop over a flat array; constants and attributes come last, in the array's dtype."""

    def kernel(x: Array, **attributes: float) -> Array:
        synchronise()
        flat = np.ascontiguousarray(x).reshape(-1)
        y = np.empty_like(flat)
        loop(flat, y, *(x.dtype.type(number) for number in (*attributes.values(), *constants)))
        return y.reshape(x.shape)

    return kernel


def _backward(loop: Callable[..., Any], *constants: float) -> Kernel:
    def kernel(g: Array, x: Array, y: Array, **attributes: float) -> Array:
        synchronise()
        flat = [np.ascontiguousarray(array).reshape(-1) for array in (g, x, y)]
        out = np.empty_like(flat[0])
        loop(*flat, out, *(g.dtype.type(number) for number in (*attributes.values(), *constants)))
        return out.reshape(x.shape)

    return kernel


_ROOT: Final = math.sqrt(0.5)
_DENSITY: Final = 1 / math.sqrt(2 * math.pi)

KERNELS: Final[KernelTable] = {
    **reference.KERNELS,
    "relu": _forward(_relu),
    "relu_backward": _backward(_relu_backward),
    "leaky_relu": _forward(_leaky_relu),
    "leaky_relu_backward": _backward(_leaky_relu_backward),
    "elu": _forward(_elu),
    "elu_backward": _backward(_elu_backward),
    "sigmoid": _forward(_sigmoid),
    "sigmoid_backward": _backward(_sigmoid_backward),
    "tanh": _forward(_tanh),
    "tanh_backward": _backward(_tanh_backward),
    "softplus": _forward(_softplus),
    "softplus_backward": _backward(_softplus_backward),
    "silu": _forward(_silu),
    "silu_backward": _backward(_silu_backward),
    "gelu": _forward(_gelu, _ROOT),
    "gelu_backward": _backward(_gelu_backward, _ROOT, _DENSITY),
}

"""Products of matrices: rows are shared out among the threads, each part is one call of BLAS."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import prange

from dhcore._backends.base import Array, KernelTable
from dhcore._backends.cpu.jit import parallel
from dhcore._backends.reference import linear as reference
from dhcore.threads import synchronise


@parallel
def _rows(a: Array, b: Array, out: Array, chunks: int) -> None:
    rows = a.shape[0]
    for chunk in prange(chunks):
        low, high = rows * chunk // chunks, rows * (chunk + 1) // chunks
        if low < high:
            np.dot(a[low:high], b, out[low:high])


@parallel
def _each(a: Array, b: Array, out: Array) -> None:
    for i in prange(a.shape[0]):
        np.dot(a[i], b[i], out[i])


def product(a: Array, b: Array) -> Array:
    """Return the product of two matrices of one dtype; ``b`` may be a transposed view."""
    threads = synchronise()
    a = np.ascontiguousarray(a)
    if not (b.flags.c_contiguous or b.flags.f_contiguous):
        b = np.ascontiguousarray(b)
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    if 0 in (a.size, b.size):
        out[...] = 0
        return out
    _rows(a, b, out, min(threads, a.shape[0]))
    return out


def _linear(x: Array, weight: Array, bias: Array | None) -> Array:
    y = product(x, weight.T)
    if bias is not None:
        y += bias
    return y


def _linear_backward_data(g: Array, weight: Array) -> Array:
    return product(g, weight)


def _linear_backward_weights(g: Array, x: Array) -> Array:
    return product(g.T, x)


def _matmul(a: Array, b: Array) -> Array:
    if a.dtype.kind != "f" or 0 in (a.size, b.size):
        return reference.KERNELS["matmul"](a, b)
    if a.ndim == 2 and b.ndim == 2:
        return product(a, b)
    synchronise()
    leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left, right = (
        np.ascontiguousarray(np.broadcast_to(part, (*leading, *part.shape[-2:]))).reshape(
            -1, *part.shape[-2:]
        )
        for part in (a, b)
    )
    out = np.empty((left.shape[0], a.shape[-2], b.shape[-1]), a.dtype)
    _each(left, right, out)
    return out.reshape(*leading, a.shape[-2], b.shape[-1])


KERNELS: Final[KernelTable] = {
    "linear": _linear,
    "linear_backward_data": _linear_backward_data,
    "linear_backward_weights": _linear_backward_weights,
    "matmul": _matmul,
}

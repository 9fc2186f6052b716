"""Sums, means and extremes over axes."""

from __future__ import annotations

from typing import Final

import numpy as np

from dhcore._backends.base import Array, KernelTable, Shape


def _sum(x: Array, *, axes: Shape, keepdims: bool) -> Array:
    return np.asarray(np.sum(x, axis=axes, keepdims=keepdims))


def _mean(x: Array, *, axes: Shape, keepdims: bool) -> Array:
    return np.asarray(np.mean(x, axis=axes, keepdims=keepdims))


def _max(x: Array, *, axes: Shape, keepdims: bool) -> Array:
    return np.asarray(np.max(x, axis=axes, keepdims=keepdims))


def _min(x: Array, *, axes: Shape, keepdims: bool) -> Array:
    return np.asarray(np.min(x, axis=axes, keepdims=keepdims))


def _argmax(x: Array, *, axis: int) -> Array:
    return np.asarray(np.argmax(x, axis=axis))


def _sum_to(x: Array, *, shape: Shape) -> Array:
    new = x.ndim - len(shape)
    stretched = tuple(
        new + axis for axis, extent in enumerate(shape) if extent == 1 and x.shape[new + axis] != 1
    )
    axes = (*range(new), *stretched)
    return x.sum(axis=axes, keepdims=True).reshape(shape) if axes else x


KERNELS: Final[KernelTable] = {
    "sum": _sum,
    "mean": _mean,
    "max": _max,
    "min": _min,
    "argmax": _argmax,
    "sum_to": _sum_to,
}

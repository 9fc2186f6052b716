"""Enlarging by whole factors: one small matrix per spatial axis, so the derivative is its transpose.

Nearest repeats each element. Linear samples at the centres of the new elements (half-pixel, corners not aligned):
``source = (target + 1/2) / factor - 1/2``, held at the border.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dhcore._backends.base import Array, KernelTable, Shape


def _matrix(extent: int, factor: int, mode: str) -> Array:
    """Weight of each old element (column) in each new element (row)."""
    rows = np.arange(extent * factor)
    weights = np.zeros((extent * factor, extent))
    if mode == "nearest":
        weights[rows, rows // factor] = 1
        return weights
    source = np.clip((rows + 0.5) / factor - 0.5, 0, extent - 1)
    low = np.floor(source).astype(int)
    high = np.minimum(low + 1, extent - 1)
    np.add.at(weights, (rows, low), 1 - (source - low))
    np.add.at(weights, (rows, high), source - low)
    return weights


def _apply(x: Array, matrices: list[Array]) -> Array:
    for axis, matrix in enumerate(matrices, start=2):
        x = np.moveaxis(np.tensordot(matrix.astype(x.dtype), x, axes=(1, axis)), 0, axis)
    return x


def _upsample(x: Array, *, factor: Shape, mode: str) -> Array:
    return _apply(
        x, [_matrix(extent, f, mode) for extent, f in zip(x.shape[2:], factor, strict=True)]
    )


def _upsample_backward(g: Array, *, shape: Shape, factor: Shape, mode: str) -> Array:
    return _apply(
        g, [_matrix(extent, f, mode).T for extent, f in zip(shape[2:], factor, strict=True)]
    )


KERNELS: Final[KernelTable] = {"upsample": _upsample, "upsample_backward": _upsample_backward}

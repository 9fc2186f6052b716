"""Dropout (Srivastava et al., 2014), inverted: what is kept is divided by the probability to keep it."""

from __future__ import annotations

from typing import Final

from dhcore._backends.base import Array, KernelTable
from dhcore.random import dropout_mask


def _dropout(x: Array, *, rate: float, key: tuple[int, int, int]) -> tuple[Array, Array]:
    mask = dropout_mask(x.shape, rate, key)
    return _dropout_backward(x, mask, rate=rate), mask


def _dropout_backward(g: Array, mask: Array, *, rate: float) -> Array:
    return g * mask * g.dtype.type(1 / (1 - rate))


KERNELS: Final[KernelTable] = {"dropout": _dropout, "dropout_backward": _dropout_backward}

"""Products of matrices."""

from __future__ import annotations

from typing import Final

import numpy as np

from dhcore._backends.base import Array, KernelTable


def _linear(x: Array, weight: Array, bias: Array | None) -> Array:
    y = x @ weight.T
    return y if bias is None else y + bias


def _linear_backward_data(g: Array, weight: Array) -> Array:
    return g @ weight


def _linear_backward_weights(g: Array, x: Array) -> Array:
    return g.T @ x


KERNELS: Final[KernelTable] = {
    "linear": _linear,
    "linear_backward_data": _linear_backward_data,
    "linear_backward_weights": _linear_backward_weights,
    "matmul": np.matmul,
}

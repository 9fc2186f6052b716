"""Functions of two arrays whose shapes are broadcast."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dhcore._backends.base import Array, KernelTable


def _cast(x: Array, *, dtype: npt.DTypeLike) -> Array:
    return x.astype(dtype, copy=False)


KERNELS: Final[KernelTable] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.true_divide,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "where": np.where,
    "cast": _cast,
}

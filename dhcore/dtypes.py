"""Element types: which there are, which one is the default, and what two of them make together.

The set is small on purpose: two floats (computation in ``float32``, checks in ``float64``), three integers for
labels, indices and pixels, and ``bool`` for masks. Promotion is NumPy's (NEP 50): a Python number takes the type
of the array it meets.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dhcore.errors import DtypeError

__all__ = ["DEFAULT", "FLOATING", "SUPPORTED", "as_dtype", "is_floating"]

#: What Python numbers become, and what models compute in.
DEFAULT: Final = np.dtype(np.float32)
#: Types that have derivatives.
FLOATING: Final = (np.dtype(np.float32), np.dtype(np.float64))
#: Every type a tensor may have.
SUPPORTED: Final = (
    *FLOATING,
    np.dtype(np.uint8),
    np.dtype(np.int32),
    np.dtype(np.int64),
    np.dtype(np.bool_),
)


def as_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return the dtype a tensor may have, given its name or type.

    Args:
        dtype: ``"float32"``, ``np.float32``, ``np.dtype("float32")`` ...

    Raises:
        DtypeError: Tensors do not have that dtype.

    >>> as_dtype("float64")
    dtype('float64')
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found not in SUPPORTED:
        names = ", ".join(str(known) for known in SUPPORTED)
        raise DtypeError(
            f"expected one of the dtypes {names}; found {dtype!r}; convert the array with astype first"
        )
    return found


def is_floating(dtype: npt.DTypeLike) -> bool:
    """Whether values of this dtype have derivatives.

    >>> is_floating("float32"), is_floating("int64")
    (True, False)
    """
    return np.dtype(dtype) in FLOATING

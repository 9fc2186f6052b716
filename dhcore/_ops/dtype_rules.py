"""Which dtypes the arguments of an operation are brought to, and which dtype comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dhcore._ops.operation import Dtype, Dtypes
from dhcore.dtypes import DEFAULT, FLOATING
from dhcore.errors import DtypeError


def _common(dtypes: Sequence[Dtype | None]) -> Dtype:
    return np.result_type(*(dtype for dtype in dtypes if dtype is not None))


def floating(dtypes: Sequence[Dtype | None]) -> Dtypes:
    """All arguments in the widest of their float types; integers only beside a float."""
    given = [dtype for dtype in dtypes if dtype is not None]
    floats = [dtype for dtype in given if dtype in FLOATING]
    if not floats:
        found = ", ".join(str(dtype) for dtype in given)
        raise DtypeError(
            f"expected an argument of float32 or float64; found {found}; convert it with astype('float32')"
        )
    common = _common(floats)
    return Dtypes(tuple(common for _ in dtypes), common)


def numeric(dtypes: Sequence[Dtype | None]) -> Dtypes:
    """NumPy's promotion."""
    common = _common(dtypes)
    return Dtypes(tuple(common for _ in dtypes), common)


def quotient(dtypes: Sequence[Dtype | None]) -> Dtypes:
    """NumPy's promotion, and integers become floats."""
    common = _common(dtypes)
    common = common if common in FLOATING else np.dtype(np.float64)
    return Dtypes(tuple(common for _ in dtypes), common)


def total(dtypes: Sequence[Dtype | None]) -> Dtypes:
    """Floats as they are; integers and truth values add up in int64."""
    common = _common(dtypes)
    common = common if common in FLOATING else np.dtype(np.int64)
    return Dtypes((common,), common)


def comparison(dtypes: Sequence[Dtype | None]) -> Dtypes:
    """NumPy's promotion of the arguments; truth values come out."""
    return Dtypes(numeric(dtypes).arguments, np.dtype(np.bool_))


def unchanged(dtypes: Sequence[Dtype | None]) -> Dtypes:
    """The dtype of the first argument, whatever it is."""
    first = dtypes[0] if dtypes else None
    return Dtypes(tuple(None for _ in dtypes), DEFAULT if first is None else first)


def index(dtypes: Sequence[Dtype | None]) -> Dtypes:
    """Any dtype goes in, int64 comes out."""
    return Dtypes(tuple(None for _ in dtypes), np.dtype(np.int64))


def selection(dtypes: Sequence[Dtype | None]) -> Dtypes:
    """A condition, then two arguments that NumPy promotes."""
    rest = numeric(dtypes[1:])
    return Dtypes((np.dtype(np.bool_), *rest.arguments), rest.result)

"""How far a result may be from the exact one: one table, by device and dtype.

The error of an element is measured against the largest element of what was expected: sums of many terms cancel,
and what cancels has lost digits relative to the terms, not to itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from dhcore.device import Device, as_device
from dhcore.errors import DtypeError

__all__ = ["TOLERANCES", "Tolerance", "assert_close", "tolerance"]


@final
@dataclass(frozen=True, slots=True)
class Tolerance:
    """Largest error, relative to the largest element of what was expected.

    Args:
        forward: For the result of an operation.
        gradient: For a gradient, which adds up more terms.

    >>> Tolerance(1e-5, 2e-5).forward
    1e-05
    """

    forward: float
    gradient: float


#: What is smaller is compared as if it were this large: an exact 0 comes out as the rounding of the terms that cancel.
#: No larger, or the gradient of a mean over many elements would pass whatever it is.
_LEAST: Final = 1e-3

#: (kind of device, dtype) -> tolerance of one operation against its result in exact arithmetic.
TOLERANCES: Final[Mapping[tuple[str, str], Tolerance]] = {
    ("reference", "float64"): Tolerance(1e-12, 1e-11),
    ("reference", "float32"): Tolerance(1e-5, 2e-5),
    ("cpu", "float64"): Tolerance(1e-12, 1e-11),
    ("cpu", "float32"): Tolerance(1e-5, 2e-5),
}


def tolerance(device: Device | str, dtype: npt.DTypeLike) -> Tolerance:
    """Look the tolerance of a device and a dtype up.

    Args:
        device: Where the operation ran.
        dtype: What it ran in.

    Raises:
        DtypeError: There is no computation in that dtype.

    >>> tolerance("cpu", "float32")
    Tolerance(forward=1e-05, gradient=2e-05)
    """
    key = (as_device(device).kind, str(np.dtype(dtype)))
    if key not in TOLERANCES:
        raise DtypeError(
            f"expected a device and a dtype among {sorted(TOLERANCES)!r}; found {key!r}"
        )
    return TOLERANCES[key]


def assert_close(actual: Any, expected: Any, error: float) -> None:
    """Assert that two arrays have one shape and differ by at most ``error`` times the largest expected element.

    Args:
        actual: What was computed.
        expected: What it should be.
        error: Relative to the largest magnitude among the finite elements of ``expected``, or to 0.001 if that is
            smaller.

    Raises:
        AssertionError: They differ; the message shows the worst element.

    >>> assert_close([1.0, 100.0], [1.0005, 100.0], 1e-5)
    """
    found, wanted = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    if found.shape != wanted.shape:
        raise AssertionError(f"expected the shape {wanted.shape}; found {found.shape}")
    finite = np.abs(wanted[np.isfinite(wanted)])
    scale = max(_LEAST, float(finite.max(initial=0.0)))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=error * scale)

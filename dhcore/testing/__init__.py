"""Tools to test numerics with: gradients against finite differences, and one table of tolerances."""

from __future__ import annotations

from dhcore.testing.gradient import check_gradients as check_gradients
from dhcore.testing.gradient import numerical_gradient as numerical_gradient
from dhcore.testing.tolerance import TOLERANCES as TOLERANCES
from dhcore.testing.tolerance import Tolerance as Tolerance
from dhcore.testing.tolerance import assert_close as assert_close
from dhcore.testing.tolerance import tolerance as tolerance

__all__ = [
    "TOLERANCES",
    "Tolerance",
    "assert_close",
    "check_gradients",
    "numerical_gradient",
    "tolerance",
]

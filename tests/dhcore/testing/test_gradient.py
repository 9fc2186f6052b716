from __future__ import annotations

import numpy as np
import pytest

from dhcore.errors import DtypeError
from dhcore.tensor import Tensor, where
from dhcore.testing import TOLERANCES, assert_close, check_gradients, numerical_gradient, tolerance


def test_a_wrong_gradient_is_found() -> None:
    def detached(x: Tensor) -> Tensor:
        return x * x.detach()

    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_gradients(detached, [1.0, 2.0])


def test_a_gradient_that_is_not_recorded_counts_as_zero() -> None:
    with pytest.raises(AssertionError):
        check_gradients(lambda x, y: x + y.detach(), [1.0], [2.0])
    check_gradients(lambda x, y: x + y.detach(), [1.0], [2.0], positions=[0])


def test_a_gradient_wrong_in_one_element_is_found() -> None:
    def spoiled(x: Tensor) -> Tensor:
        return where(np.array([True, True, False]), x * 2, x.detach() * 2)

    with pytest.raises(AssertionError):
        check_gradients(spoiled, [1.0, 2.0, 3.0])


def test_central_differences_are_exact_for_squares() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3))
    assert_close(numerical_gradient(lambda a: float((a * a).sum()), [x], 0), 2 * x, 1e-9)


def test_closeness_is_relative_to_the_largest_element_and_sees_shapes() -> None:
    assert_close([1000.0, 0.001], [1000.0, 0.0], 1e-5)
    with pytest.raises(AssertionError):
        assert_close([1000.0, 0.1], [1000.0, 0.0], 1e-5)
    with pytest.raises(AssertionError, match="shape"):
        assert_close([[1.0]], [1.0], 1e-5)
    with pytest.raises(AssertionError):
        assert_close([np.nan], [1.0], 1e-5)


def test_a_gradient_is_allowed_at_least_the_error_of_a_value() -> None:
    assert all(row.forward <= row.gradient < 1e-3 for row in TOLERANCES.values())
    with pytest.raises(DtypeError, match="int32"):
        tolerance("cpu", "int32")

"""The comparison that other tests stand on fails where it should."""

from __future__ import annotations

import numpy as np
import pytest

from dhcore.testing import assert_close


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
def test_an_error_is_seen_whatever_the_size_of_the_figures(scale: float) -> None:
    exact = scale * np.linspace(-1, 1, 5)
    assert_close(exact + 0.9e-5 * scale, exact, 1e-5)
    with pytest.raises(AssertionError):
        assert_close(exact + 1.1e-5 * scale, exact, 1e-5)


def test_another_shape_is_an_error() -> None:
    with pytest.raises(AssertionError, match=r"expected the shape \(2,\); found \(1,\)"):
        assert_close([1.0], [1.0, 1.0], 1.0)

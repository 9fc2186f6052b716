from __future__ import annotations

import pytest

from dhcore._backends.cpu.onednn.constants import Algorithm
from dhcore._backends.cpu.onednn.operations import Direction, Window
from dhcore._plan.lowering.convolution import algorithm

DENSE = Window((1, 1), (1, 1), (1, 1), (1, 1))
STRIDED = Window((2, 2), (1, 1), (1, 1), (1, 1))
DILATED = Window((1, 1), (2, 2), (2, 2), (2, 2))


@pytest.mark.parametrize(
    ("weight", "window", "pixels", "expected"),
    [
        ((64, 64, 3, 3), DENSE, 8 * 56 * 56, Algorithm.CONVOLUTION_WINOGRAD),
        ((256, 512, 3, 3), DENSE, 8 * 16 * 16, Algorithm.CONVOLUTION_WINOGRAD),
        ((16, 64, 3, 3), DENSE, 8 * 56 * 56, Algorithm.CONVOLUTION_DIRECT),
        ((512, 512, 3, 3), DENSE, 8 * 7 * 7, Algorithm.CONVOLUTION_DIRECT),
        ((64, 64, 1, 1), DENSE, 8 * 56 * 56, Algorithm.CONVOLUTION_DIRECT),
        ((64, 64, 3, 3), STRIDED, 8 * 56 * 56, Algorithm.CONVOLUTION_DIRECT),
        ((64, 64, 3, 3), DILATED, 8 * 56 * 56, Algorithm.CONVOLUTION_DIRECT),
        ((64, 64, 3, 3, 3), DENSE, 8 * 56 * 56, Algorithm.CONVOLUTION_DIRECT),
    ],
)
def test_the_algorithm_follows_from_the_shape(
    weight: tuple[int, ...], window: Window, pixels: int, expected: Algorithm
) -> None:
    assert algorithm("forward", weight, window, pixels) is expected


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("forward", Algorithm.CONVOLUTION_DIRECT),
        ("backward_data", Algorithm.CONVOLUTION_DIRECT),
        ("backward_weights", Algorithm.CONVOLUTION_WINOGRAD),
    ],
)
def test_weights_need_fewer_pixels_than_data(direction: Direction, expected: Algorithm) -> None:
    assert algorithm(direction, (256, 256, 3, 3), DENSE, 16 * 4 * 4) is expected

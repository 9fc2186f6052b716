from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow

from dhcore.image import AxesError, Image, Interpolation, cast, rescale, resize

_PILLOW = {
    "linear": Pillow.Resampling.BILINEAR,
    "cubic": Pillow.Resampling.BICUBIC,
    "nearest": Pillow.Resampling.NEAREST,
}


def _area_by_loops(pixels: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    height, width = pixels.shape
    result = np.zeros(size)
    for i in range(size[0]):
        for j in range(size[1]):
            top, bottom = i * height / size[0], (i + 1) * height / size[0]
            left, right = j * width / size[1], (j + 1) * width / size[1]
            total = 0.0
            for y in range(height):
                for x in range(width):
                    tall = max(0.0, min(y + 1, bottom) - max(y, top))
                    wide = max(0.0, min(x + 1, right) - max(x, left))
                    total += tall * wide * pixels[y, x]
            result[i, j] = total / ((bottom - top) * (right - left))
    return result


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "nearest"])
@pytest.mark.parametrize("size", [(7, 5), (40, 33), (16, 50), (1, 1), (23, 31)])
def test_resize_agrees_with_pillow(interpolation: Interpolation, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(3).random((23, 31), dtype=np.float32)
    expected = np.array(Pillow.fromarray(pixels).resize(size[::-1], _PILLOW[interpolation]))
    found = resize(Image(pixels, "yx"), size, interpolation=interpolation).pixels
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("size", [(7, 5), (12, 17), (3, 20), (1, 1)])
def test_area_is_the_integral_over_each_new_pixel(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(3).random((12, 9))
    found = resize(Image(pixels, "yx"), size, interpolation="area").pixels
    np.testing.assert_allclose(found, _area_by_loops(pixels, size), rtol=1e-12)


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "nearest", "area"])
def test_a_constant_image_stays_constant_in_any_number_of_dimensions(
    interpolation: Interpolation,
) -> None:
    image = Image(np.full((2, 5, 6, 7, 3), 200, np.uint8), "tzyxc")
    result = resize(image, (3, 11, 4), interpolation=interpolation)
    assert result.shape == (2, 3, 11, 4, 3)
    assert (result.pixels == 200).all()


def test_the_order_of_axes_in_memory_does_not_matter() -> None:
    pixels = np.random.default_rng(1).random((8, 9, 3))
    last = resize(Image(pixels, "yxc"), (5, 4)).pixels
    first = resize(Image(pixels.transpose(2, 0, 1), "cyx"), (5, 4)).pixels
    np.testing.assert_allclose(first.transpose(1, 2, 0), last)


def test_without_antialiasing_a_stripe_finer_than_the_grid_may_vanish() -> None:
    pixels = np.zeros((1, 64))
    pixels[0, 1] = 64.0
    assert resize(Image(pixels, "yx"), (1, 4), antialias=False).pixels.max() == 0
    assert resize(Image(pixels, "yx"), (1, 4)).pixels.max() > 0


def test_cubic_overshoot_saturates_in_integers() -> None:
    pixels = np.repeat(np.array([[0, 0, 255, 255]], np.uint8), 4, 0)
    result = resize(Image(pixels, "yx"), (8, 16), interpolation="cubic").pixels
    assert result.dtype == np.uint8
    assert result.min() == 0
    assert result.max() == 255


def test_a_volume_may_be_resized_within_its_slices_only() -> None:
    assert resize(Image(np.zeros((7, 8, 9)), "zyx"), (4, 5)).shape == (7, 4, 5)


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_the_middle_of_the_picture_stays_where_it_is_in_the_patient(
    old: tuple[int, int], new: tuple[int, int]
) -> None:
    affine = np.array([[-0.5, 0.1, 0, 9], [0, 0.7, 0, -4], [0, 0, 3, 1], [0, 0, 0, 1.0]])
    image = Image(np.zeros(old), "yx", spacing=(0.7, 0.5), affine=affine)
    result = resize(image, new)
    assert result.affine is not None
    assert result.spacing is not None
    before = affine @ [(old[1] - 1) / 2, (old[0] - 1) / 2, 0, 1]
    after = result.affine @ [(new[1] - 1) / 2, (new[0] - 1) / 2, 0, 1]
    np.testing.assert_allclose(after, before, atol=1e-9)
    np.testing.assert_allclose(np.multiply(result.spacing, new), np.multiply((0.7, 0.5), old))


def test_rescale_reaches_the_spacing_asked_for() -> None:
    image = Image(np.zeros((10, 100, 80)), "zyx", spacing=(5.0, 0.5, 0.5))
    result = rescale(image, (1.0, 1.0, 1.0))
    assert result.shape == (50, 50, 40)
    assert result.spacing == (1.0, 1.0, 1.0)


def test_rescale_without_a_spacing_says_so() -> None:
    with pytest.raises(AxesError, match="no spacing"):
        rescale(Image(np.zeros((4, 4)), "yx"), (1.0, 1.0))


@pytest.mark.parametrize("size", [(), (0, 4), (-1, 4), (4, 4, 4)])
def test_impossible_sizes_are_refused(size: tuple[int, ...]) -> None:
    with pytest.raises(AxesError):
        resize(Image(np.zeros((4, 4)), "yx"), size)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32])
def test_cast_rounds_and_saturates(dtype: type) -> None:
    limits = np.iinfo(dtype)
    values = np.array([-1e12, -0.6, 0.4, 0.6, 1e12])
    expected = [limits.min, max(limits.min, -1), 0, 1, limits.max]
    assert cast(values, dtype).tolist() == expected

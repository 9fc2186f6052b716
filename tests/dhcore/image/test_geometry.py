from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from dhcore.image import (
    AxesError,
    Image,
    Interpolation,
    centre_crop,
    crop,
    flip,
    orientation,
    pad,
    resize,
    rotate,
    rotate90,
    warp,
)
from dhcore.image.geometry import rotation_matrix

_AFFINE = np.array([[-0.5, 0.1, 0.2, 9], [0.3, 0.7, 0, -4], [0, 0.2, 3, 1], [0, 0, 0, 1.0]])


def _volume() -> Image:
    pixels = np.random.default_rng(5).permutation(6 * 7 * 8).reshape(6, 7, 8).astype(np.float64)
    return Image(pixels, "zyx", spacing=(3.0, 0.7, 0.5), affine=_AFFINE)


_MOVES: list[Callable[[Image], Image]] = [
    lambda image: flip(image, "x"),
    lambda image: flip(image, "y"),
    lambda image: flip(image, "z"),
    lambda image: rotate90(image, 1),
    lambda image: rotate90(image, 2, plane="zx"),
    lambda image: rotate90(image, 3, plane="zy"),
    lambda image: rotate90(image, -1),
    lambda image: crop(image, (1, 2, 3), (2, 3, 4)),
    lambda image: crop(image, (2, 3), (3, 4)),
    lambda image: pad(image, (1, 0, 2), (0, 3, 1), fill=-1),
    centre_crop,
]


@pytest.mark.parametrize("move", _MOVES)
def test_every_voxel_stays_where_it_is_in_the_patient(move: Callable[[Image], Image]) -> None:
    image = _volume()
    moved = move(image)
    assert moved.affine is not None
    places = {value: index for index, value in np.ndenumerate(image.pixels)}
    for index, value in np.ndenumerate(moved.pixels):
        if value >= 0:
            before = _AFFINE @ [*places[value][::-1], 1]
            after = moved.affine @ [*index[::-1], 1]
            np.testing.assert_allclose(after, before, atol=1e-9)


@pytest.mark.parametrize("move", _MOVES)
def test_the_spacing_is_the_length_of_a_step_of_the_affine_when_that_is_orthogonal(
    move: Callable[[Image], Image],
) -> None:
    image = Image(
        np.zeros((6, 7, 8)), "zyx", spacing=(3.0, 0.7, 0.5), affine=np.diag([-0.5, 0.7, 3.0, 1])
    )
    moved = move(image)
    assert moved.affine is not None
    assert moved.spacing == pytest.approx(tuple(np.linalg.norm(moved.affine[:3, :3], axis=0)[::-1]))


def test_flipping_x_turns_right_into_left() -> None:
    image = Image(np.zeros((4, 5)), "yx", affine=np.eye(4))
    assert orientation(np.eye(4)) == "RAS"
    assert flip(image).affine is not None
    assert orientation(np.asarray(flip(image).affine)) == "LAS"


def test_moves_that_need_no_new_values_are_views() -> None:
    image = _volume()
    for move in (flip(image), rotate90(image), crop(image, (0, 0, 0), (2, 2, 2))):
        assert np.shares_memory(move.pixels, image.pixels)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rotating_by_quarters_is_turning(turns: int) -> None:
    image = Image(np.random.default_rng(1).random((9, 9)), "yx", affine=np.eye(4))
    turned, rotated = rotate90(image, turns), rotate(image, 90.0 * turns)
    np.testing.assert_allclose(rotated.pixels, turned.pixels, atol=1e-9)
    np.testing.assert_allclose(np.asarray(rotated.affine), np.asarray(turned.affine), atol=1e-9)


@pytest.mark.parametrize("degrees", [10.0, -37.0, 123.0])
@pytest.mark.parametrize(("interpolation", "order"), [("nearest", 0), ("linear", 1), ("cubic", 3)])
def test_rotation_agrees_with_scipy(
    degrees: float, interpolation: Interpolation, order: int
) -> None:
    pixels = np.random.default_rng(1).random((21, 34))
    expected = ndimage.rotate(pixels, degrees, reshape=False, order=order, mode="constant")
    found = rotate(Image(pixels, "yx"), degrees, interpolation=interpolation)
    np.testing.assert_allclose(found.pixels, expected, atol=1e-9)


def test_warping_colours_is_warping_each_channel() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (12, 15, 3)).astype(np.uint8)
    image = Image(pixels, "yxc")
    together = rotate(image, 20).pixels
    for channel in range(3):
        alone = rotate(Image(pixels[..., channel], "yx"), 20).pixels
        np.testing.assert_array_equal(together[..., channel], alone)


def test_a_displacement_moves_pixels_one_by_one() -> None:
    pixels = np.arange(30.0).reshape(5, 6)
    displacement = np.zeros((2, 5, 6), np.float32)
    displacement[1, 2, 3] = 1.0
    expected = pixels.copy()
    expected[2, 3] = pixels[2, 4]
    np.testing.assert_allclose(
        warp(Image(pixels, "yx"), np.eye(3), displacement=displacement).pixels, expected, atol=1e-5
    )


def test_nearest_interpolation_makes_no_new_labels() -> None:
    labels = np.random.default_rng(1).choice([0, 7, 200], (32, 32)).astype(np.uint8)
    rotated = rotate(Image(labels, "yx"), 33, interpolation="nearest").pixels
    assert set(np.unique(rotated)) <= {0, 7, 200}


def test_a_rotation_about_the_centre_leaves_the_centre() -> None:
    matrix = rotation_matrix(Image(np.zeros((11, 21)), "yx"), 57)
    np.testing.assert_allclose(matrix @ [5, 10, 1], [5, 10, 1])


@pytest.mark.parametrize(
    ("border", "mode"), [("constant", "constant"), ("nearest", "edge"), ("reflect", "reflect")]
)
def test_padding_agrees_with_numpy(border: str, mode: str) -> None:
    pixels = np.random.default_rng(1).random((5, 6))
    expected = np.pad(pixels, ((2, 1), (3, 4)), mode=mode)  # type: ignore[call-overload]  # a run-time string
    found = pad(Image(pixels, "yx"), (2, 3), (1, 4), border=border)  # type: ignore[arg-type]  # a run-time string
    np.testing.assert_array_equal(found.pixels, expected)


@pytest.mark.parametrize(
    ("begin", "size"), [((0, 0), (0, 1)), ((-1, 0), (1, 1)), ((0, 5), (1, 2)), ((0,), (1, 1))]
)
def test_boxes_outside_of_the_image_are_refused(
    begin: tuple[int, ...], size: tuple[int, ...]
) -> None:
    with pytest.raises(AxesError):
        crop(Image(np.zeros((5, 6)), "yx"), begin, size)


def test_an_axis_the_image_lacks_is_refused() -> None:
    for action in (
        lambda i: flip(i, "z"),
        lambda i: rotate90(i, plane="zy"),
        lambda i: rotate(i, 3, plane="yy"),
    ):
        with pytest.raises(AxesError):
            action(Image(np.zeros((5, 6)), "yx"))


def test_resize_then_crop_keeps_the_place() -> None:
    image = Image(np.zeros((10, 10)), "yx", spacing=(1.0, 1.0), affine=np.eye(4))
    result = crop(resize(image, (5, 5)), (1, 1), (2, 2))
    assert result.affine is not None
    np.testing.assert_allclose(result.affine @ [0, 0, 0, 1], [2.5, 2.5, 0, 1])

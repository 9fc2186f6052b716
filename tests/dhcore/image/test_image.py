from __future__ import annotations

import pickle

import numpy as np
import pytest

from dhcore.errors import DhcoreError
from dhcore.image import AxesError, Image, ImageFileError, MissingImageError


def test_pixels_are_kept_without_a_copy() -> None:
    pixels = np.zeros((4, 5), np.uint16)
    assert Image(pixels, "yx").pixels is pixels


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((4, 5), "yxc"), ((4,), "x"), ((4, 5), "yy"), ((4, 5), "yq"), ((4, 5), "zx")],
)
def test_axes_that_do_not_fit_the_pixels_are_refused(shape: tuple[int, ...], axes: str) -> None:
    with pytest.raises(AxesError):
        Image(np.zeros(shape), axes)


@pytest.mark.parametrize(
    ("shape", "axes", "colour"),
    [
        ((4, 5), "yx", "gray"),
        ((4, 5, 3), "yxc", "rgb"),
        ((4, 4, 5), "cyx", "rgba"),
        ((4, 5, 2), "yxc", "other"),
    ],
)
def test_the_colour_model_follows_the_number_of_channels(
    shape: tuple[int, ...], axes: str, colour: str
) -> None:
    assert Image(np.zeros(shape), axes).colour == colour


@pytest.mark.parametrize(
    ("axes", "shape", "colour"),
    [("yx", (4, 5), "rgb"), ("yxc", (4, 5, 4), "rgb"), ("yxc", (4, 5, 3), "gray")],
)
def test_a_colour_model_with_another_number_of_channels_is_refused(
    axes: str, shape: tuple[int, ...], colour: str
) -> None:
    with pytest.raises(AxesError):
        Image(np.zeros(shape), axes, colour)  # type: ignore[arg-type]  # colours come as strings here


@pytest.mark.parametrize(
    "spacing", [(1.0,), (1.0, 0.0), (1.0, -1.0), (1.0, float("nan")), (1.0, 1.0, 1.0)]
)
def test_a_spacing_that_is_no_distance_is_refused(spacing: tuple[float, ...]) -> None:
    with pytest.raises(AxesError):
        Image(np.zeros((4, 5)), "yx", spacing=spacing)


def test_transpose_moves_spacing_with_its_axis() -> None:
    image = Image(np.zeros((2, 3, 4)), "zyx", spacing=(5.0, 2.0, 1.0)).transpose("xyz")
    assert image.shape == (4, 3, 2)
    assert image.spacing == (1.0, 2.0, 5.0)


def test_channels_first_is_a_view_in_the_order_of_a_network() -> None:
    pixels = np.arange(4 * 5 * 3).reshape(4, 5, 3)
    array = Image(pixels, "yxc").channels_first()
    assert array.shape == (3, 4, 5)
    assert np.shares_memory(array, pixels)
    assert array[2, 1, 3] == pixels[1, 3, 2]


def test_channels_first_puts_time_before_channels() -> None:
    assert Image(np.zeros((6, 2, 4, 5)), "tzyx").channels_first().shape == (6, 1, 2, 4, 5)


@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 4, 5), (1, 2, 4, 5), (2, 2, 4, 5)])
def test_channels_first_and_back_is_the_same_array(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).random(shape)
    assert np.array_equal(Image.from_channels_first(array).channels_first(), array)


def test_the_affine_and_the_metadata_cannot_be_changed() -> None:
    image = Image(np.zeros((4, 5)), "yx", affine=np.eye(4), metadata={"a": 1})
    with pytest.raises(ValueError, match="read-only"):
        image.affine[0, 0] = 2.0  # type: ignore[index]  # there is one
    with pytest.raises(TypeError):
        image.metadata["a"] = 2  # type: ignore[index]  # that is the point


def test_an_image_pickles_with_all_it_knows() -> None:
    image = Image(
        np.arange(6).reshape(2, 3), "yx", spacing=(2.0, 1.0), affine=np.eye(4), metadata={"a": 1}
    )
    copy = pickle.loads(pickle.dumps(image))
    assert np.array_equal(copy.pixels, image.pixels)
    assert (copy.axes, copy.spacing, dict(copy.metadata)) == (image.axes, image.spacing, {"a": 1})


@pytest.mark.parametrize("kind", [ImageFileError, *ImageFileError.__subclasses__()])
def test_file_errors_pickle_and_name_the_file(kind: type[ImageFileError]) -> None:
    error = pickle.loads(pickle.dumps(kind("folder/a.png", "the file is empty")))
    assert type(error) is kind
    assert str(error) == "folder/a.png: the file is empty"
    assert isinstance(error, DhcoreError)
    assert isinstance(error, ValueError)


def test_a_missing_file_is_a_file_not_found_error_too() -> None:
    assert issubclass(MissingImageError, FileNotFoundError)

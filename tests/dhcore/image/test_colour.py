from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage.color import hed2rgb

from dhcore.image import (
    AxesError,
    Colour,
    Image,
    convert,
    dab,
    eosin,
    grayscale,
    haematoxylin,
    stains,
)


def _picture() -> Image:
    return Image(np.random.default_rng(2).integers(0, 256, (16, 17, 3)).astype(np.uint8), "yxc")


@pytest.mark.parametrize(
    ("colour", "mode"), [("gray", "L"), ("ycbcr", "YCbCr"), ("hsv", "HSV"), ("rgba", "RGBA")]
)
def test_conversion_from_rgb_agrees_with_pillow(colour: Colour, mode: str) -> None:
    image = _picture()
    expected = np.array(Pillow.fromarray(image.pixels).convert(mode)).astype(int)
    difference = np.abs(convert(image, colour).pixels.astype(int) - expected)
    if colour == "hsv":
        # Hue is a circle; Pillow truncates it.
        difference = np.minimum(difference, 256 - difference)
    assert difference.max() <= 1


@pytest.mark.parametrize("colour", ["ycbcr", "hsv", "rgba"])
def test_there_and_back_is_nearly_the_same(colour: Colour) -> None:
    image = Image(_picture().pixels / 255.0, "yxc")
    back = convert(convert(image, colour), "rgb")
    np.testing.assert_allclose(back.pixels, image.pixels, atol=2e-6 if colour != "ycbcr" else 1e-5)


def test_grey_to_colour_repeats_the_value() -> None:
    grey = Image(np.arange(6, dtype=np.uint8).reshape(2, 3), "yx")
    colour = convert(grey, "rgb")
    assert colour.axes == "yxc"
    assert (colour.pixels == grey.pixels[..., None]).all()


def test_grey_comes_out_of_channels_first_pixels_too() -> None:
    image = _picture()
    np.testing.assert_array_equal(grayscale(image.transpose("cyx")).pixels, grayscale(image).pixels)


def test_sixteen_bit_colour_keeps_its_range() -> None:
    white = Image(np.full((2, 2, 3), 65535, np.uint16), "yxc")
    assert (grayscale(white).pixels == 65535).all()


def test_channels_without_a_meaning_cannot_be_converted() -> None:
    with pytest.raises(AxesError, match="pixels"):
        convert(Image(np.zeros((2, 2, 2)), "yxc"), "rgb")


@pytest.mark.parametrize(("stain", "channel"), [(haematoxylin, 0), (eosin, 1), (dab, 2)])
def test_a_pure_stain_is_found_in_its_own_channel(stain: object, channel: int) -> None:
    amounts = np.zeros((4, 4, 3))
    amounts[..., channel] = np.linspace(0.05, 0.2, 16).reshape(4, 4)
    picture = Image(hed2rgb(amounts), "yxc")
    found = stains(picture).pixels
    np.testing.assert_allclose(found[..., channel], amounts[..., channel], atol=1e-3)
    assert np.delete(found, channel, axis=-1).max() < 1e-3
    np.testing.assert_array_equal(stain(picture).pixels, found[..., channel])  # type: ignore[operator]  # a function


def test_stains_need_colours() -> None:
    with pytest.raises(AxesError, match="rgb"):
        stains(Image(np.zeros((4, 4)), "yx"))

"""Colour models: grey, RGB, RGBA, HSV, YCbCr, and the stains of histology."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dhcore.image.errors import AxesError
from dhcore.image.image import Colour, Image
from dhcore.image.resize import cast

__all__ = ["convert", "dab", "eosin", "grayscale", "haematoxylin", "stains"]

#: Luma of ITU-R BT.601, which Pillow and OpenCV use for JPEG and for grey.
_LUMA: Final = np.array([0.299, 0.587, 0.114])


def convert(image: Image, colour: Colour) -> Image:
    """Change the colour model.

    8-bit HSV and YCbCr are scaled to 0..255 on every channel (hue 255 is a full turn); floating-point images are
    expected in 0..1 and stay there. RGBA to anything else drops the transparency; grey to RGB repeats the channel.

    Args:
        image: a gray, rgb, rgba, hsv or ycbcr image.
        colour: the wanted model.

    Raises:
        AxesError: one of the two models is "other".

    >>> import numpy as np
    >>> convert(Image(np.array([[[255, 0, 0]]], np.uint8), "yxc"), "gray").pixels
    array([[76]], dtype=uint8)
    """
    if image.colour == colour:
        return image
    if "other" in {image.colour, colour} or colour not in _FROM_RGB:
        raise AxesError(
            f"There is no conversion from {image.colour!r} to {colour!r}; pick channels from image.pixels."
        )
    last = image if "c" not in image.axes else image.transpose(image.axes.replace("c", "") + "c")
    rgb = _TO_RGB[str(last.colour)](last.pixels)
    pixels = rgb if colour == "rgb" else _FROM_RGB[colour](rgb)
    axes = last.axes.replace("c", "") + ("" if colour == "gray" else "c")
    return last.with_pixels(pixels, axes=axes, colour=colour)


def grayscale(image: Image) -> Image:
    """Reduce to one value per pixel: `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601).

    Args:
        image: any image `convert` accepts; a grey one is returned as it is.

    Raises:
        AxesError: the colour model is "other".

    >>> import numpy as np
    >>> grayscale(Image(np.full((2, 2, 4), 9, np.uint8), "yxc")).axes
    'yx'
    """
    return convert(image, "gray")


def stains(image: Image) -> Image:
    """Separate haematoxylin, eosin and DAB by colour deconvolution (Ruifrok and Johnston 2001).

    The value of a pixel is the amount of each stain, in optical density: 0 where there is none, never negative.

    Args:
        image: an RGB or RGBA picture of stained tissue, 8-bit or in 0..1.

    Raises:
        AxesError: the image has no colour.

    >>> import numpy as np
    >>> stains(Image(np.full((4, 4, 3), 255, np.uint8), "yxc")).pixels.max() < 1e-6
    np.True_
    """
    if image.colour not in {"rgb", "rgba"}:
        raise AxesError(
            f"Stains are separated by colour; expected an rgb image, got {image.colour!r}."
        )
    from skimage.color import rgb2hed

    rgb = convert(image, "rgb")
    if rgb.axes[-1] != "c":
        rgb = rgb.transpose(rgb.axes.replace("c", "") + "c")
    amounts = np.maximum(rgb2hed(_unit(rgb.pixels)), 0.0).astype(np.float32)
    return rgb.with_pixels(amounts, colour="other", metadata={**rgb.metadata, "channels": _STAINS})


def haematoxylin(image: Image) -> Image:
    """The amount of haematoxylin, which stains nuclei blue: the first channel of `stains`.

    Args:
        image: as for `stains`.

    >>> import numpy as np
    >>> haematoxylin(Image(np.zeros((4, 4, 3), np.uint8), "yxc")).axes
    'yx'
    """
    return _stain(image, 0)


def eosin(image: Image) -> Image:
    """The amount of eosin, which stains cytoplasm and fibres pink: the second channel of `stains`.

    Args:
        image: as for `stains`.

    >>> import numpy as np
    >>> eosin(Image(np.zeros((4, 4, 3), np.uint8), "yxc")).axes
    'yx'
    """
    return _stain(image, 1)


def dab(image: Image) -> Image:
    """The amount of diaminobenzidine, the brown of immunohistochemistry: the third channel of `stains`.

    Args:
        image: as for `stains`.

    >>> import numpy as np
    >>> dab(Image(np.zeros((4, 4, 3), np.uint8), "yxc")).axes
    'yx'
    """
    return _stain(image, 2)


_STAINS: Final = ("haematoxylin", "eosin", "dab")


def _stain(image: Image, channel: int) -> Image:
    separated = stains(image)
    kept = {**image.metadata, "stain": _STAINS[channel]}
    return separated.with_pixels(
        separated.pixels[..., channel], axes=separated.axes[:-1], colour="gray", metadata=kept
    )


def _unit(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.dtype.kind in "iu":
        return pixels / np.float64(np.iinfo(pixels.dtype).max)
    return pixels.astype(np.float64)


def _like(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    return cast(values * np.iinfo(dtype).max if dtype.kind in "iu" else values, dtype)


def _gray_to_rgb(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.repeat(pixels[..., None], 3, axis=-1)


def _rgb_to_gray(rgb: NDArray[Any]) -> NDArray[Any]:
    return cast(rgb @ _LUMA, rgb.dtype)


def _rgb_to_rgba(rgb: NDArray[Any]) -> NDArray[Any]:
    opaque = np.iinfo(rgb.dtype).max if rgb.dtype.kind in "iu" else 1.0
    return np.concatenate([rgb, np.full_like(rgb[..., :1], opaque)], axis=-1)


def _rgb_to_hsv(rgb: NDArray[Any]) -> NDArray[Any]:
    from skimage.color import rgb2hsv

    return _like(rgb2hsv(_unit(rgb)), rgb.dtype)


def _hsv_to_rgb(hsv: NDArray[Any]) -> NDArray[Any]:
    from skimage.color import hsv2rgb

    return _like(hsv2rgb(_unit(hsv)), hsv.dtype)


#: JFIF 1.02: full-range Y, Cb, Cr of R, G, B in 0..1, with the colour differences around one half.
_YCBCR: Final = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)


def _rgb_to_ycbcr(rgb: NDArray[Any]) -> NDArray[Any]:
    return _like(_unit(rgb) @ _YCBCR.T + [0.0, 0.5, 0.5], rgb.dtype)


def _ycbcr_to_rgb(ycbcr: NDArray[Any]) -> NDArray[Any]:
    values = (_unit(ycbcr) - [0.0, 0.5, 0.5]) @ np.linalg.inv(_YCBCR).T
    return _like(np.clip(values, 0.0, 1.0), ycbcr.dtype)


_TO_RGB: Final = {
    "gray": _gray_to_rgb,
    "rgb": lambda pixels: pixels,
    "rgba": lambda pixels: pixels[..., :3],
    "hsv": _hsv_to_rgb,
    "ycbcr": _ycbcr_to_rgb,
}
_FROM_RGB: Final = {
    "gray": _rgb_to_gray,
    "rgb": lambda pixels: pixels,
    "rgba": _rgb_to_rgba,
    "hsv": _rgb_to_hsv,
    "ycbcr": _rgb_to_ycbcr,
}

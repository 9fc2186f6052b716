"""Changing values: normalisation, thresholds, and what a viewer shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dhcore.image.errors import AxesError
from dhcore.image.image import Image
from dhcore.image.resize import cast

__all__ = ["display", "normalise", "normalise_minmax", "normalise_percentile", "threshold"]


def normalise(
    image: Image,
    mean: float | Sequence[float] | None = None,
    deviation: float | Sequence[float] | None = None,
) -> Image:
    """Subtract a mean and divide by a standard deviation, per channel: `(v - mean) / deviation`, float32.

    Args:
        image: any image.
        mean: a number, or one for each channel; that of each channel of the image when not given.
        deviation: the same; a constant channel is divided by one.

    Raises:
        AxesError: the number of values is not that of the channels, or a deviation is not positive.

    >>> import numpy as np
    >>> normalise(Image(np.array([[1.0, 3.0]]), "yx")).pixels
    array([[-1.,  1.]], dtype=float32)
    """
    others = _all_but_colour(image)
    values = image.pixels.astype(np.float32)
    means = (
        values.mean(axis=others, keepdims=True, dtype=np.float64)
        if mean is None
        else _broadcast(image, mean)
    )
    if deviation is None:
        spread = values.std(axis=others, keepdims=True, dtype=np.float64)
        spread = np.where(spread > 0, spread, 1.0)
    else:
        spread = _broadcast(image, deviation)
        if not np.all(spread > 0):
            raise AxesError(f"Expected positive deviations, got {deviation!r}.")
    return image.with_pixels(((values - means) / spread).astype(np.float32))


def normalise_minmax(image: Image, low: float = 0.0, high: float = 1.0) -> Image:
    """Map the smallest value to `low` and the largest to `high`, over all channels together, float32.

    Args:
        image: any image; a constant one becomes `low`.
        low: new minimum.
        high: new maximum.

    >>> import numpy as np
    >>> normalise_minmax(Image(np.array([[2, 4, 6]]), "yx")).pixels
    array([[0. , 0.5, 1. ]], dtype=float32)
    """
    values = image.pixels.astype(np.float64)
    return image.with_pixels(_stretch(values, float(values.min()), float(values.max()), low, high))


def normalise_percentile(image: Image, lower: float = 1.0, upper: float = 99.0) -> Image:
    """Map two percentiles to 0 and 1 and cut what lies outside, float32; steady against a few extreme pixels.

    Args:
        image: any image.
        lower: percentage of the pixels below 0.
        upper: percentage of the pixels below 1.

    Raises:
        AxesError: the percentages are not in order within 0..100.

    >>> import numpy as np
    >>> image = Image(np.array([[0.0, 1, 2, 3, 1000]]), "yx")
    >>> normalise_percentile(image, 0, 75).pixels
    array([[0.        , 0.33333334, 0.6666667 , 1.        , 1.        ]],
          dtype=float32)
    """
    if not 0 <= lower < upper <= 100:
        raise AxesError(f"Expected 0 <= lower < upper <= 100, got {lower!r} and {upper!r}.")
    values = image.pixels.astype(np.float64)
    first, last = np.percentile(values, [lower, upper])
    return image.with_pixels(np.clip(_stretch(values, first, last, 0.0, 1.0), 0.0, 1.0))


def threshold(image: Image, value: float) -> Image:
    """A mask of what is brighter: 1 where a pixel is above the value, 0 elsewhere, uint8.

    Args:
        image: any image.
        value: pixels equal to it are 0.

    >>> import numpy as np
    >>> threshold(Image(np.array([[0, 127, 128]]), "yx"), 127).pixels
    array([[0, 0, 1]], dtype=uint8)
    """
    return image.with_pixels((image.pixels > value).astype(np.uint8))


def display(image: Image, window: tuple[float, float] | None = None) -> Image:
    """What a viewer shows, as 8-bit pixels.

    In this order: the window given; the look-up table of the file (DICOM VOI LUT); its first window, by the function
    it names (LINEAR, LINEAR_EXACT or SIGMOID, DICOM PS3.3 C.11.2.1.2); else from the smallest to the largest value.
    MONOCHROME1 is inverted, so that bright is bright. An 8-bit image without any of these is returned as it is.

    Args:
        image: any image; `metadata` says what its file asked for.
        window: centre and width.

    Raises:
        AxesError: the width of the window is not positive.

    >>> import numpy as np
    >>> display(Image(np.array([[-1000.0, 40.0, 1000.0]]), "yx"), window=(40, 400)).pixels
    array([[  0, 128, 255]], dtype=uint8)
    """
    facts = image.metadata
    inverted = facts.get("photometric") == "MONOCHROME1"
    values = image.pixels.astype(np.float64)
    if window is None and facts.get("voi_lut") is not None:
        unit = _look_up(values, *facts["voi_lut"])
    elif window is not None or facts.get("window") is not None:
        centre, width = window if window is not None else facts["window"]
        unit = _windowed(values, centre, width, str(facts.get("window_function") or "LINEAR"))
    elif image.dtype == np.uint8:
        unit = values / 255
    else:
        unit = _stretch(values, float(np.nanmin(values)), float(np.nanmax(values)), 0.0, 1.0)
    pixels = cast((1 - unit if inverted else unit) * 255, np.uint8)
    used = {"photometric", "voi_lut", "window", "window_function"}
    return image.with_pixels(
        pixels, metadata={key: value for key, value in facts.items() if key not in used}
    )


def _windowed(values: NDArray[Any], centre: float, width: float, function: str) -> NDArray[Any]:
    if width <= 0 or (width < 1 and function == "LINEAR"):
        raise AxesError(f"Expected a window at least 1 wide, got {width!r}.")
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    if width == 1:
        return (values > centre - 0.5).astype(np.float64)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def _look_up(values: NDArray[Any], first: float, table: NDArray[Any], bits: int) -> NDArray[Any]:
    entries = np.clip(np.rint(values) - first, 0, len(table) - 1).astype(np.intp)
    unit: NDArray[Any] = np.asarray(table, dtype=np.float64)[entries] / (2**bits - 1)
    return unit


def _stretch(
    values: NDArray[Any], first: float, last: float, low: float, high: float
) -> NDArray[np.float32]:
    if not last > first:
        return np.full(values.shape, low, np.float32)
    return ((values - first) / (last - first) * (high - low) + low).astype(np.float32)


def _all_but_colour(image: Image) -> tuple[int, ...]:
    return tuple(place for place, letter in enumerate(image.axes) if letter != "c")


def _broadcast(image: Image, values: float | Sequence[float]) -> NDArray[np.float64]:
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.ndim != 1 or array.size not in {1, image.channels}:
        raise AxesError(
            f"Expected one value or {image.channels}, one for each channel, got {values!r}."
        )
    return (
        array.reshape([-1 if letter == "c" else 1 for letter in image.axes])
        if "c" in image.axes
        else array
    )

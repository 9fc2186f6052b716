"""Changing the number of pixels.

Every axis is resampled on its own: a sparse matrix of weights, one row for each new pixel, times the pixels. Pixels are
squares: the centre of new pixel i is at old coordinate `(i + 1/2) n / m - 1/2`. When an axis shrinks, the kernel is
widened by the same factor, so what is finer than the new grid is averaged instead of aliased. Weights that fall outside
the image are left out and the rest is scaled to sum to one.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from dhcore.image.affine import moved
from dhcore.image.errors import AxesError
from dhcore.image.image import Image

__all__ = ["Interpolation", "cast", "rescale", "resize"]

#: How values between pixels are found: the closest, straight lines, the mean over the area of the new pixel, or cubics.
Interpolation = Literal["area", "cubic", "linear", "nearest"]

_RADIUS: Final = {"linear": 1.0, "cubic": 2.0}


def resize(
    image: Image,
    size: tuple[int, ...],
    *,
    interpolation: Interpolation = "linear",
    antialias: bool = True,
) -> Image:
    """Resample to a number of pixels; spacing and affine follow.

    Integer pixels are rounded to the nearest integer and kept within the range of their type.

    Args:
        image: any image; colour and time axes are kept.
        size: of the last spatial axes in the order of `image.axes`: (height, width), or (slices, height, width).
        interpolation: `nearest` for labels, `area` for the exact mean over each new pixel, `linear`, or
            `cubic` (Keys 1981 with a = -1/2; may leave the range of the input).
        antialias: widen the kernels of `linear` and `cubic` when shrinking.

    Raises:
        AxesError: a size below one, more sizes than spatial axes, or an unknown interpolation.

    >>> import numpy as np
    >>> resize(Image(np.arange(16.0).reshape(4, 4), "yx"), (2, 2), interpolation="area").pixels
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    axes = image.spatial_axes
    if interpolation not in get_args(Interpolation):
        raise AxesError(
            f"Expected an interpolation out of {get_args(Interpolation)}, got {interpolation!r}."
        )
    if not 1 <= len(size) <= len(axes) or any(count < 1 for count in size):
        raise AxesError(
            f"Expected up to {len(axes)} positive sizes for the axes {axes!r}, got {size!r}."
        )
    if not image.pixels.size:
        raise AxesError(f"An image without pixels cannot be resized: {image!r}.")
    wanted = [image.count(letter) for letter in axes[: len(axes) - len(size)]] + [
        int(n) for n in size
    ]
    pixels = image.pixels
    matrix = np.eye(len(axes) + 1)
    for place, (letter, new) in enumerate(zip(axes, wanted, strict=True)):
        old = image.count(letter)
        matrix[place, place], matrix[place, -1] = old / new, 0.5 * old / new - 0.5
        if new != old:
            pixels = _resample(
                pixels, image.axes.index(letter), new, interpolation, antialias=antialias
            )
    return moved(image, cast(pixels, image.dtype), matrix)


def rescale(
    image: Image, spacing: tuple[float, ...], *, interpolation: Interpolation = "linear"
) -> Image:
    """Resample to a spacing in millimetres, so that images of different scanners have pixels of one size.

    The size becomes the closest whole number of pixels; the spacing of the result is exact for that number.

    Args:
        image: an image that knows its spacing.
        spacing: millimetres for each spatial axis, in the order of `image.axes`.
        interpolation: as in `resize`.

    Raises:
        AxesError: the image has no spacing, or the new one does not fit its axes.

    >>> import numpy as np
    >>> rescale(Image(np.zeros((10, 20)), "yx", spacing=(1.0, 0.5)), (1.0, 1.0)).size
    {'y': 10, 'x': 10}
    """
    if image.spacing is None:
        raise AxesError(
            f"{image!r} has no spacing; give one with dataclasses.replace(image, spacing=...)."
        )
    if len(spacing) != len(image.spacing) or any(step <= 0 for step in spacing):
        raise AxesError(
            f"Expected positive spacings for the axes {image.spatial_axes!r}, got {spacing!r}."
        )
    size = tuple(
        max(1, round(count * old / new))
        for count, old, new in zip(image.size.values(), image.spacing, spacing, strict=True)
    )
    return resize(image, size, interpolation=interpolation)


def cast(pixels: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Convert to another element type, rounding and saturating where that one holds integers.

    Args:
        pixels: any array.
        dtype: the wanted element type.

    >>> import numpy as np
    >>> cast(np.array([-3.0, 1.6, 300.0]), np.uint8)
    array([  0,   2, 255], dtype=uint8)
    """
    dtype = np.dtype(dtype)
    if pixels.dtype == dtype:
        return pixels
    if dtype.kind == "b":
        return pixels >= 0.5
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = np.rint(pixels) if pixels.dtype.kind == "f" else pixels
        saturated: NDArray[Any] = np.clip(values, limits.min, limits.max).astype(dtype)
        return saturated
    return pixels.astype(dtype)


def _resample(
    pixels: NDArray[Any], axis: int, new: int, interpolation: Interpolation, *, antialias: bool
) -> NDArray[Any]:
    old = pixels.shape[axis]
    if interpolation == "nearest":
        closest = np.minimum(((np.arange(new) + 0.5) * old / new).astype(np.intp), old - 1)
        picked: NDArray[Any] = np.take(pixels, closest, axis=axis)
        return picked
    wide = np.float32 if pixels.dtype.itemsize <= 2 or pixels.dtype == np.float32 else np.float64
    if interpolation == "area":
        weights = _area_weights(old, new)
    else:
        weights = _kernel_weights(old, new, interpolation, antialias=antialias)
    front = np.moveaxis(pixels, axis, 0)
    flat = np.ascontiguousarray(front, dtype=wide).reshape(old, -1)
    result = (weights.astype(wide) @ flat).reshape(new, *front.shape[1:])
    return np.moveaxis(result, 0, axis)


def _area_weights(old: int, new: int) -> sparse.csr_array:
    step = old / new
    first = np.floor(np.arange(new) * step).astype(np.intp)
    columns = first[:, None] + np.arange(int(np.ceil(step)) + 1)
    begin, end = np.arange(new)[:, None] * step, (np.arange(new)[:, None] + 1) * step
    overlap = np.minimum(columns + 1, end) - np.maximum(columns, begin)
    return _rows(columns, np.maximum(overlap, 0.0), old)


def _kernel_weights(old: int, new: int, interpolation: str, *, antialias: bool) -> sparse.csr_array:
    step = old / new
    widening = max(step, 1.0) if antialias else 1.0
    centre = (np.arange(new)[:, None] + 0.5) * step
    radius = _RADIUS[interpolation] * widening
    columns = np.floor(centre - radius).astype(np.intp) + np.arange(int(np.ceil(2 * radius)) + 2)
    distance = np.abs(columns + 0.5 - centre) / widening
    return _rows(
        columns, _triangle(distance) if interpolation == "linear" else _cubic(distance), old
    )


def _rows(columns: NDArray[Any], values: NDArray[Any], old: int) -> sparse.csr_array:
    values = np.where((columns >= 0) & (columns < old), values, 0.0)
    values = values / values.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(len(columns)), columns.shape[1])
    used = values.ravel() != 0
    shape = (len(columns), old)
    return sparse.csr_array(
        (values.ravel()[used], (rows[used], columns.ravel()[used])), shape=shape
    )


def _triangle(distance: NDArray[Any]) -> NDArray[Any]:
    return np.maximum(1.0 - distance, 0.0)


def _cubic(distance: NDArray[Any]) -> NDArray[Any]:
    a = -0.5
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = (((distance - 5) * distance + 8) * distance - 4) * a
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))

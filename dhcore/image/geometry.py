"""Moving pixels: flip, turn, rotate, crop, pad.

Spacing and affine follow, so that a voxel stays where it is in the patient.
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dhcore.image.affine import moved
from dhcore.image.errors import AxesError
from dhcore.image.image import Image
from dhcore.image.resize import Interpolation, cast

__all__ = [
    "Border",
    "centre_crop",
    "crop",
    "flip",
    "pad",
    "rotate",
    "rotate90",
    "rotation_matrix",
    "warp",
]

#: What lies outside of an image: one value, the nearest pixel, or the mirror image.
Border = Literal["constant", "nearest", "reflect"]

_NDIMAGE_BORDER: Final = {"constant": "constant", "nearest": "nearest", "reflect": "mirror"}
_NUMPY_BORDER: Final = {"constant": "constant", "nearest": "edge", "reflect": "reflect"}
_ORDER: Final = {"nearest": 0, "linear": 1, "cubic": 3}


def flip(image: Image, axis: str = "x") -> Image:
    """Mirror along one spatial axis; a view.

    Args:
        image: any image.
        axis: x (left-right), y (upside down) or z.

    Raises:
        AxesError: the image has no such spatial axis.

    >>> import numpy as np
    >>> flip(Image(np.array([[1, 2, 3]]), "yx")).pixels
    array([[3, 2, 1]])
    """
    place = _spatial_place(image, axis)
    matrix = np.eye(len(image.spatial_axes) + 1)
    matrix[place, place], matrix[place, -1] = -1.0, image.count(axis) - 1
    return moved(image, np.flip(image.pixels, image.axes.index(axis)), matrix)


def rotate90(image: Image, turns: int = 1, *, plane: str = "yx") -> Image:
    """Turn by quarters, exactly; the sizes of the two axes change places when the number of turns is odd. A view.

    Args:
        image: any image.
        turns: quarters; what you see turns counter-clockwise when positive.
        plane: two spatial axes.

    Raises:
        AxesError: the image has not both axes.

    >>> import numpy as np
    >>> rotate90(Image(np.array([[1, 2], [3, 4]]), "yx")).pixels
    array([[2, 4],
           [1, 3]])
    """
    first, second = (_spatial_place(image, letter) for letter in _plane(plane))
    counts = list(image.size.values())
    matrix = np.eye(len(counts) + 1)
    for _ in range(turns % 4):
        # New (i, j) shows old (j, n - 1 - i), where n counts the second axis.
        step = np.eye(len(counts) + 1)
        step[[first, second], [first, second]] = 0.0
        step[first, second], step[second, first], step[second, -1] = 1.0, -1.0, counts[second] - 1
        counts[first], counts[second] = counts[second], counts[first]
        matrix = matrix @ step
    dimensions = (image.axes.index(plane[0]), image.axes.index(plane[1]))
    return moved(image, np.rot90(image.pixels, turns, dimensions), matrix)


def rotate(
    image: Image,
    degrees: float,
    *,
    plane: str = "yx",
    interpolation: Interpolation = "linear",
    border: Border = "constant",
    fill: float = 0.0,
) -> Image:
    """Rotate about the centre by any angle; the size stays.

    Args:
        image: any image.
        degrees: what you see turns counter-clockwise.
        plane: two spatial axes.
        interpolation: `nearest`, `linear` or `cubic`.
        border: what comes in from outside.
        fill: its value for the border `constant`.

    Raises:
        AxesError: the image has not both axes, or an unknown choice.

    >>> import numpy as np
    >>> image = Image(np.arange(9.0).reshape(3, 3), "yx")
    >>> np.allclose(rotate(image, 90.0).pixels, rotate90(image).pixels)
    True
    """
    matrix = rotation_matrix(image, degrees, plane=plane)
    return warp(image, matrix, interpolation=interpolation, border=border, fill=fill)


def rotation_matrix(image: Image, degrees: float, *, plane: str = "yx") -> NDArray[np.float64]:
    """The matrix for `warp` that rotates about the centre of the image.

    Args:
        image: gives the axes and the centre.
        degrees: counter-clockwise.
        plane: two spatial axes.

    Raises:
        AxesError: the image has not both axes.
    """
    first, second = (_spatial_place(image, letter) for letter in _plane(plane))
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.eye(len(image.spatial_axes) + 1)
    matrix[first, first], matrix[first, second] = cosine, sine
    matrix[second, first], matrix[second, second] = -sine, cosine
    centre = (np.array(list(image.size.values())) - 1) / 2
    matrix[:-1, -1] = centre - matrix[:-1, :-1] @ centre
    return matrix


def warp(
    image: Image,
    matrix: NDArray[Any],
    *,
    displacement: NDArray[Any] | None = None,
    interpolation: Interpolation = "linear",
    border: Border = "constant",
    fill: float = 0.0,
) -> Image:
    """Resample so that new index i shows the old index `matrix (i + displacement(i))`; the size stays.

    Args:
        image: any image; colour and time axes are kept.
        matrix: (d + 1, d + 1) over the spatial axes in the order of `image.axes`.
        displacement: (d, *spatial) in pixels, or None. With one, the affine of the result keeps the matrix only.
        interpolation: `nearest`, `linear` or `cubic`.
        border: what comes in from outside.
        fill: its value for the border `constant`.

    Raises:
        AxesError: an unknown interpolation or border.

    >>> import numpy as np
    >>> shift = np.array([[1.0, 0, 0], [0, 1, 1], [0, 0, 1]])
    >>> warp(Image(np.array([[1.0, 2, 3]]), "yx"), shift, border="nearest").pixels
    array([[2., 3., 3.]])
    """
    if interpolation not in _ORDER or border not in get_args(Border):
        raise AxesError(
            f"Expected an interpolation out of {tuple(_ORDER)} and a border out of {get_args(Border)}, "
            f"got {interpolation!r} and {border!r}."
        )
    # An angle of 180 degrees must not push the outermost pixels out by 1e-16.
    matrix = np.round(np.asarray(matrix, dtype=np.float64), 10)
    spatial = tuple(image.size.values())
    options: dict[str, Any] = {
        "order": _ORDER[interpolation],
        "mode": _NDIMAGE_BORDER[border],
        "cval": fill,
    }
    coordinates = None if displacement is None else _coordinates(matrix, displacement, spatial)
    planes, order = _planes(image, spatial)
    result = np.empty_like(planes, order="C")
    for source, target in zip(planes, result, strict=True):
        if coordinates is None:
            target[...] = ndimage.affine_transform(
                source, matrix[:-1, :-1], matrix[:-1, -1], **options
            )
        else:
            target[...] = ndimage.map_coordinates(source, coordinates, **options)
    pixels = cast(result, image.dtype).reshape([image.pixels.shape[d] for d in order])
    return moved(image, pixels.transpose(np.argsort(order)), matrix)


def crop(image: Image, begin: tuple[int, ...], size: tuple[int, ...]) -> Image:
    """Cut out a box; a view.

    Args:
        image: any image.
        begin: first index along the last spatial axes, in the order of `image.axes`.
        size: number of pixels along the same axes.

    Raises:
        AxesError: the box is empty or leaves the image.

    >>> import numpy as np
    >>> crop(Image(np.arange(12).reshape(3, 4), "yx"), (1, 2), (2, 2)).pixels
    array([[ 6,  7],
           [10, 11]])
    """
    axes = image.spatial_axes
    if len(begin) != len(size) or not 1 <= len(size) <= len(axes):
        raise AxesError(
            f"Expected a begin and a size for up to {len(axes)} axes, got {begin!r} and {size!r}."
        )
    matrix = np.eye(len(axes) + 1)
    index: list[slice] = [slice(None)] * image.pixels.ndim
    for letter, low, count in zip(axes[-len(size) :], begin, size, strict=True):
        if low < 0 or count < 1 or low + count > image.count(letter):
            raise AxesError(
                f"A box from {low} to {low + count} along {letter!r} leaves the image, which has {image.count(letter)}."
            )
        index[image.axes.index(letter)] = slice(low, low + count)
        matrix[axes.index(letter), -1] = low
    return moved(image, image.pixels[tuple(index)], matrix)


def centre_crop(image: Image, size: tuple[int, ...] | None = None) -> Image:
    """Cut out the middle; a view.

    Args:
        image: any image.
        size: pixels along the last spatial axes; the largest square (or cube) when not given.

    Raises:
        AxesError: the size is larger than the image.

    >>> import numpy as np
    >>> centre_crop(Image(np.arange(5)[None, :].repeat(3, 0), "yx")).pixels[0]
    array([1, 2, 3])
    """
    axes = image.spatial_axes
    if size is None:
        size = (min(image.size.values()),) * len(axes)
    counts = [image.count(letter) for letter in axes[-len(size) :]]
    begin = tuple((count - wanted) // 2 for count, wanted in zip(counts, size, strict=True))
    return crop(image, begin, size)


def pad(
    image: Image,
    before: tuple[int, ...],
    after: tuple[int, ...],
    *,
    border: Border = "constant",
    fill: float = 0.0,
) -> Image:
    """Add pixels around.

    Args:
        image: any image.
        before: pixels to add before the first one of the last spatial axes.
        after: pixels to add after the last one of the same axes.
        border: what the new pixels show.
        fill: their value for the border `constant`.

    Raises:
        AxesError: a negative number, or more numbers than axes.

    >>> import numpy as np
    >>> pad(Image(np.array([[1, 2]]), "yx"), (0, 1), (0, 0), fill=7).pixels
    array([[7, 1, 2]])
    """
    axes = image.spatial_axes
    if len(before) != len(after) or not 1 <= len(after) <= len(axes) or min(*before, *after) < 0:
        raise AxesError(
            f"Expected numbers >= 0 for up to {len(axes)} axes, got {before!r} and {after!r}."
        )
    widths = [(0, 0)] * image.pixels.ndim
    matrix = np.eye(len(axes) + 1)
    for letter, low, high in zip(axes[-len(after) :], before, after, strict=True):
        widths[image.axes.index(letter)] = (low, high)
        matrix[axes.index(letter), -1] = -low
    options: dict[str, Any] = (
        {"constant_values": cast(np.asarray(fill), image.dtype)} if border == "constant" else {}
    )
    # The name of a border is a run-time string; NumPy's stubs list the literals.
    pixels = np.pad(image.pixels, widths, mode=_NUMPY_BORDER[border], **options)  # type: ignore[call-overload]
    return moved(image, pixels, matrix)


def _plane(plane: str) -> str:
    if len(plane) != 2 or plane[0] == plane[1]:
        raise AxesError(f"Expected a plane of two different axes, as 'yx', got {plane!r}.")
    return plane


def _spatial_place(image: Image, axis: str) -> int:
    if len(axis) != 1 or axis not in image.spatial_axes:
        raise AxesError(f"Expected one of the spatial axes {image.spatial_axes!r}, got {axis!r}.")
    return image.spatial_axes.index(axis)


def _planes(image: Image, spatial: tuple[int, ...]) -> tuple[NDArray[Any], list[int]]:
    letters = [letter for letter in image.axes if letter not in image.spatial_axes] + list(
        image.spatial_axes
    )
    order = [image.axes.index(letter) for letter in letters]
    pixels = image.pixels.transpose(order).reshape(-1, *spatial)
    if pixels.dtype.kind in "biu":
        # Interpolated values are rounded once, by cast, and not by ndimage, which truncates.
        pixels = pixels.astype(np.float32 if pixels.dtype.itemsize <= 2 else np.float64)
    return pixels, order


def _coordinates(
    matrix: NDArray[Any], displacement: NDArray[Any], spatial: tuple[int, ...]
) -> NDArray[Any]:
    if displacement.shape != (len(spatial), *spatial):
        raise AxesError(
            f"Expected a displacement of shape {(len(spatial), *spatial)}, got {displacement.shape}."
        )
    places = np.indices(spatial, dtype=np.float32) + displacement
    moved_places = np.tensordot(matrix[:-1, :-1].astype(np.float32), places, axes=1)
    return moved_places + matrix[:-1, -1].astype(np.float32).reshape(-1, *([1] * len(spatial)))

"""Where voxels lie in the patient.

An affine is a (4, 4) matrix that takes the index (x, y, z, 1) of a voxel, its centre, to millimetres in RAS: x grows
to the right of the patient, y to the front, z to the head. NIfTI stores it so; DICOM counts to the left and to the back
(LPS), which differs in the sign of the first two rows. An operation that picks voxel `M i` for the new index `i` turns
the affine `A` into `A M`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dhcore.image.errors import AxesError
from dhcore.image.image import Image

__all__ = ["affine_from_spacing", "moved", "orientation", "spacing_from_affine"]

_SPATIAL = "xyz"


def affine_from_spacing(
    spacing: tuple[float, ...], axes: str, *, origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> NDArray[np.float64]:
    """A diagonal affine, for an image of which only the spacing is known.

    Args:
        spacing: millimetres, in the order of the spatial letters of `axes`.
        axes: the axes of the image.
        origin: RAS millimetres of the first voxel.

    >>> affine_from_spacing((2.0, 0.5, 0.5), "zyx").diagonal().tolist()
    [0.5, 0.5, 2.0, 1.0]
    """
    known = dict(zip([letter for letter in axes if letter in _SPATIAL], spacing, strict=True))
    affine = np.diag([known.get("x", 1.0), known.get("y", 1.0), known.get("z", 1.0), 1.0])
    affine[:3, 3] = origin
    return affine


def spacing_from_affine(affine: NDArray[Any], axes: str) -> tuple[float, ...]:
    """The distance between neighbouring voxels: the lengths of the columns of the affine.

    Args:
        affine: (4, 4).
        axes: the axes of the image; the result has one value for each spatial one, in their order.

    >>> import numpy as np
    >>> spacing_from_affine(np.diag([0.5, 0.5, -2.0, 1.0]), "zyx")
    (2.0, 0.5, 0.5)
    """
    lengths = np.linalg.norm(np.asarray(affine, dtype=np.float64)[:3, :3], axis=0)
    return tuple(float(lengths[_SPATIAL.index(letter)]) for letter in axes if letter in _SPATIAL)


def orientation(affine: NDArray[Any]) -> str:
    """The side of the patient that x, y and z grow towards, as three letters of R L A P S I.

    Args:
        affine: (4, 4).

    >>> import numpy as np
    >>> orientation(np.diag([-1.0, -1.0, 3.0, 1.0]))
    'LPS'
    """
    from nibabel.orientations import aff2axcodes

    return "".join(letter or "?" for letter in aff2axcodes(np.asarray(affine, dtype=np.float64)))


def moved(image: Image, pixels: NDArray[Any], matrix: NDArray[Any]) -> Image:
    """The image around new pixels, with spacing and affine that follow.

    Args:
        image: where the pixels came from.
        pixels: the new pixels, with the same axes.
        matrix: (d + 1, d + 1), takes a new index over the spatial axes, in the order of `image.axes`, to the old one.

    Raises:
        AxesError: the matrix does not fit the number of spatial axes.
    """
    axes = image.spatial_axes
    if matrix.shape != (len(axes) + 1, len(axes) + 1):
        raise AxesError(f"Expected a matrix for the axes {axes!r}, got shape {matrix.shape}.")
    spacing, affine = image.spacing, image.affine
    if spacing is not None:
        # A new step along an axis is a step along a column of the matrix, measured in old millimetres.
        steps = np.asarray(spacing)[:, None] * matrix[:-1, :-1]
        spacing = tuple(float(length) for length in np.linalg.norm(steps, axis=0))
    if affine is not None:
        affine = affine @ _as_xyz(matrix, axes)
    return image.with_pixels(pixels, spacing=spacing, affine=affine)


def _as_xyz(matrix: NDArray[Any], axes: str) -> NDArray[np.float64]:
    full = np.eye(4)
    places = [_SPATIAL.index(letter) for letter in axes]
    full[np.ix_(places, places)] = matrix[:-1, :-1]
    full[places, 3] = matrix[:-1, -1]
    return full

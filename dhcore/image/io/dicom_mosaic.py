"""Siemens mosaics: all slices of a volume side by side in one picture, with the geometry in a private header.

nibabel reads that header and unfolds the picture; its arrays are indexed [row, column, slice] in LPS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dhcore.image.affine import spacing_from_affine
from dhcore.image.errors import TruncatedImageError
from dhcore.image.image import Image
from dhcore.image.io.format import ImageInfo

__all__ = ["inspect", "is_mosaic", "unfold"]

_CSA_IMAGE_HEADER = (0x0029, 0x1010)


def is_mosaic(dataset: Any) -> bool:
    """Whether a file holds a mosaic.

    Args:
        dataset: the attributes.
    """
    return "MOSAIC" in (dataset.get("ImageType") or ()) and _CSA_IMAGE_HEADER in dataset


def unfold(path: Path, dataset: Any, metadata: dict[str, Any]) -> Image:
    """The volume of a mosaic, axes zyx.

    Args:
        path: named in the error.
        dataset: the attributes and pixels.
        metadata: goes with the image.

    Raises:
        TruncatedImageError: the private header does not describe a mosaic.
    """
    wrapper = _wrapped(path, dataset)
    affine = _affine(wrapper)
    pixels = np.moveaxis(wrapper.get_data(), -1, 0)
    spacing = spacing_from_affine(affine, "zyx")
    return Image(pixels, "zyx", spacing=spacing, affine=affine, metadata=metadata)


def inspect(path: Path, dataset: Any) -> ImageInfo:
    """What the header of a mosaic says.

    Args:
        path: named in the error.
        dataset: the attributes.

    Raises:
        TruncatedImageError: the private header does not describe a mosaic.
    """
    wrapper = _wrapped(path, dataset)
    rows, columns, slices = (int(count) for count in wrapper.image_shape)
    spacing = spacing_from_affine(_affine(wrapper), "zyx")
    bits = f"{dataset.get('BitsStored', '?')} bits"
    return ImageInfo("DICOM", (slices, rows, columns), "zyx", bits, spacing, ("mosaic",))


def _wrapped(path: Path, dataset: Any) -> Any:
    from nibabel.nicom.dicomwrappers import WrapperError, wrapper_from_data

    try:
        wrapper = wrapper_from_data(dataset)
        known = wrapper.image_shape is not None and wrapper.affine is not None
    except (WrapperError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TruncatedImageError(path, f"the mosaic cannot be unfolded: {error}") from error
    if not known:
        raise TruncatedImageError(path, "the private header does not describe the mosaic")
    return wrapper


def _affine(wrapper: Any) -> NDArray[np.float64]:
    return np.asarray(np.diag([-1.0, -1.0, 1.0, 1.0]) @ wrapper.affine[:, [1, 0, 2, 3]])

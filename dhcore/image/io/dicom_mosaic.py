"""Siemens mosaics: all slices of a volume side by side in one picture, with the geometry in a private header.

nibabel reads that header and unfolds the picture; its arrays are indexed [row, column, slice] in LPS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dhcore.image.affine import spacing_from_affine
from dhcore.image.errors import TruncatedImageError
from dhcore.image.image import Image

__all__ = ["is_mosaic", "unfold"]

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
    from nibabel.nicom.dicomwrappers import WrapperError, wrapper_from_data

    try:
        wrapper = wrapper_from_data(dataset)
        voxels, lps = wrapper.get_data(), wrapper.affine
    except (WrapperError, ValueError, KeyError, TypeError) as error:
        raise TruncatedImageError(path, f"the mosaic cannot be unfolded: {error}") from error
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps[:, [1, 0, 2, 3]]
    pixels = np.moveaxis(voxels, -1, 0)
    return Image(
        pixels, "zyx", spacing=spacing_from_affine(affine, "zyx"), affine=affine, metadata=metadata
    )

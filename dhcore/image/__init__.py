"""Images: pixels with axes, spacing and affine; reading, writing, and what is done to them before a network sees them.

>>> import numpy as np
>>> from dhcore import image
>>> picture = image.Image(np.zeros((480, 640, 3), np.uint8), "yxc")
>>> image.resize(picture, (240, 320)).size
{'y': 240, 'x': 320}
"""

from __future__ import annotations

from dhcore.image.affine import affine_from_spacing, orientation, spacing_from_affine
from dhcore.image.colour import convert, dab, eosin, grayscale, haematoxylin, stains
from dhcore.image.errors import (
    AxesError,
    DecoderMissingError,
    EmptyImageError,
    ImageError,
    ImageFileError,
    ImageTooLargeError,
    ImageWriteError,
    MissingImageError,
    NotAnImageError,
    TruncatedImageError,
    UnsupportedImageError,
)
from dhcore.image.geometry import Border, centre_crop, crop, flip, pad, rotate, rotate90, warp
from dhcore.image.image import Colour, Image
from dhcore.image.intensity import (
    display,
    normalise,
    normalise_minmax,
    normalise_percentile,
    threshold,
)
from dhcore.image.io import ImageInfo, inspect, read, read_series, write
from dhcore.image.resize import Interpolation, cast, rescale, resize
from dhcore.image.tiles import Blending, Tile, stitch, tile

__all__ = [
    "AxesError",
    "Blending",
    "Border",
    "Colour",
    "DecoderMissingError",
    "EmptyImageError",
    "Image",
    "ImageError",
    "ImageFileError",
    "ImageInfo",
    "ImageTooLargeError",
    "ImageWriteError",
    "Interpolation",
    "MissingImageError",
    "NotAnImageError",
    "Tile",
    "TruncatedImageError",
    "UnsupportedImageError",
    "affine_from_spacing",
    "cast",
    "centre_crop",
    "convert",
    "crop",
    "dab",
    "display",
    "eosin",
    "flip",
    "grayscale",
    "haematoxylin",
    "inspect",
    "normalise",
    "normalise_minmax",
    "normalise_percentile",
    "orientation",
    "pad",
    "read",
    "read_series",
    "rescale",
    "resize",
    "rotate",
    "rotate90",
    "spacing_from_affine",
    "stains",
    "stitch",
    "threshold",
    "tile",
    "warp",
    "write",
]

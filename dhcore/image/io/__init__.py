"""Reading and writing image files: an ordered registry of formats, each recognised by content.

PNG, JPEG, BMP, GIF, PPM (`raster`), TIFF with pages (`tiff`), NIfTI (`nifti`), DICOM (`dicom`, `dicom_series`).
A new format is one file with a class that fulfils `format.Format` and one line in `registry.FORMATS`.
"""

from __future__ import annotations

from dhcore.image.io.dicom_series import read_series
from dhcore.image.io.format import Format, ImageInfo, Palette
from dhcore.image.io.registry import FORMATS, format_of, inspect, read, write

__all__ = [
    "FORMATS",
    "Format",
    "ImageInfo",
    "Palette",
    "format_of",
    "inspect",
    "read",
    "read_series",
    "write",
]

"""Writing a picture as DICOM: Secondary Capture, uncompressed, little endian."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from dhcore.image.errors import ImageWriteError
from dhcore.image.image import Image

__all__ = ["write"]

_KINDS: Final = {("gray", "uint8"), ("gray", "uint16"), ("gray", "int16"), ("rgb", "uint8")}


def write(image: Image, path: Path) -> None:
    """Write one picture as a Secondary Capture object; spacing and affine are kept, values are not rescaled.

    Args:
        image: grey uint8, uint16, int16 or rgb uint8, axes y, x.
        path: where.

    Raises:
        ImageWriteError: any other image; volumes go to NIfTI.
    """
    if (
        (image.colour, str(image.dtype)) not in _KINDS
        or len(image.spatial_axes) != 2
        or "t" in image.axes
    ):
        kinds = ", ".join(sorted(f"{colour} {dtype}" for colour, dtype in _KINDS))
        raise ImageWriteError(
            path,
            f"DICOM is written as one picture of {kinds}, this is {image!r}; volumes go to NIfTI",
        )
    pixels = np.ascontiguousarray(image.transpose("yxc" if "c" in image.axes else "yx").pixels)
    dataset = _new_dataset(image, pixels)
    dataset.save_as(path, enforce_file_format=True)


def _new_dataset(image: Image, pixels: Any) -> Any:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.PatientID = dataset.PatientName = ""
    dataset.Modality = str(image.metadata.get("modality", "OT"))
    dataset.ConversionType = "WSD"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.SamplesPerPixel = image.channels
    if image.channels == 3:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    else:
        photometric = image.metadata.get("photometric")
        dataset.PhotometricInterpretation = (
            "MONOCHROME1" if photometric == "MONOCHROME1" else "MONOCHROME2"
        )
    _add_geometry(dataset, image.transpose("yxc" if "c" in image.axes else "yx"))
    _add_window(dataset, image)
    body = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()
    dataset.PixelData = body + b"\0" * (len(body) % 2)
    dataset["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    return dataset


def _add_geometry(dataset: Any, image: Image) -> None:
    if image.spacing is not None:
        dataset.PixelSpacing = [_text(step) for step in image.spacing]
    if image.affine is None or image.spacing is None:
        return
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    y, x = image.spacing
    dataset.ImagePositionPatient = [_text(value) for value in lps[:3, 3]]
    dataset.ImageOrientationPatient = [
        _text(value) for value in (*(lps[:3, 0] / x), *(lps[:3, 1] / y))
    ]
    dataset.SliceThickness = _text(float(np.linalg.norm(lps[:3, 2])))


def _add_window(dataset: Any, image: Image) -> None:
    window = image.metadata.get("window")
    if window is not None:
        dataset.WindowCenter, dataset.WindowWidth = (_text(value) for value in window)
        dataset.VOILUTFunction = str(image.metadata.get("window_function", "LINEAR"))


def _text(value: float) -> str:
    """A decimal string of at most 16 characters (PS3.5, VR DS)."""
    for digits in range(16, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    return "0"

"""DICOM through pydicom: one file, with one frame or many.

Values are those of the modality: rescale slope and intercept, or the modality look-up table, are applied (Hounsfield
units for CT). Palettes and YBR become RGB. What only concerns display, windows, VOI look-up table and MONOCHROME1, is
kept in `metadata` for `dhcore.image.display`. Attributes that identify a patient are not copied.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dhcore.image.errors import (
    DecoderMissingError,
    TruncatedImageError,
    UnsupportedImageError,
)
from dhcore.image.image import Image
from dhcore.image.io import dicom_capture, dicom_geometry, dicom_mosaic, dicom_values
from dhcore.image.io.format import ImageInfo, Palette, check_amount
from dhcore.image.io.raster import select_frame

__all__ = ["DicomFormat", "amount", "header", "metadata_of", "read_header"]

_PREAMBLE: Final = 128
#: The first element of a file without preamble: group 2 (file meta) or 8, little or big endian.
_BARE_STARTS: Final = (
    b"\x02\x00\x00\x00",
    b"\x02\x00\x01\x00",
    b"\x02\x00\x10\x00",
    b"\x08\x00\x05\x00",
    b"\x08\x00\x00\x00",
)
_BARE_STARTS_2: Final = (
    b"\x08\x00\x08\x00",
    b"\x08\x00\x12\x00",
    b"\x08\x00\x16\x00",
    b"\x00\x08\x00\x05",
    b"\x00\x08\x00\x08",
)
_PIXELS: Final = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


class DicomFormat:
    """DICOM Part 10 files, and those that lack the preamble.

    >>> DicomFormat().recognises(b"\\0" * 128 + b"DICM")
    True
    """

    name: Final = "DICOM"
    suffixes: Final = (".dcm",)

    def recognises(self, head: bytes) -> bool:
        """Whether the mark DICM follows the preamble, or a bare data set begins.

        Args:
            head: start of the file.
        """
        if head[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
            return True
        return len(head) > 16 and head.startswith(_BARE_STARTS + _BARE_STARTS_2)

    def inspect(self, path: Path) -> ImageInfo:
        """Read the header.

        Args:
            path: the file.

        Raises:
            ImageFileError: damaged, without pixels, or too large.
        """
        dataset = read_header(path)
        amount(path, dataset)
        if dicom_mosaic.is_mosaic(dataset):
            return dicom_mosaic.inspect(path, dataset)
        layout = dicom_geometry.layout_of(dataset)
        colours = (
            int(dataset.get("SamplesPerPixel", 1)) > 1
            or dataset.get("PhotometricInterpretation") == "PALETTE COLOR"
        )
        shape = (*layout.counts, int(dataset.Rows), int(dataset.Columns)) + (
            (3,) if colours else ()
        )
        axes = layout.axes + ("c" if colours else "")
        syntax = dataset.file_meta.TransferSyntaxUID.name
        details = (
            f"{dataset.get('Modality', '?')} {dataset.get('PhotometricInterpretation', '?')}",
            syntax,
        )
        dtype = f"{dataset.get('BitsStored', dataset.get('BitsAllocated', '?'))} bits"
        return ImageInfo("DICOM", shape, axes, dtype, layout.spacing, details)

    def read(self, path: Path, frame: int | None, palette: Palette) -> Image:
        """Read pixels, values and geometry.

        Args:
            path: the file.
            frame: one along the first axis of the image; all when None.
            palette: "index" keeps palette indices.

        Raises:
            DecoderMissingError: the transfer syntax needs a package that is not installed.
            ImageFileError: damaged, without pixels, unsupported, or too large.
        """
        dataset = header(path)
        amount(path, dataset)
        if dicom_mosaic.is_mosaic(dataset):
            return dicom_mosaic.unfold(path, dataset, metadata_of(dataset))
        layout = dicom_geometry.layout_of(dataset)
        order = np.arange(layout.frames) if layout.order is None else layout.order
        counts, axes, affine = layout.counts, layout.axes, layout.affine
        if frame is not None:
            select_frame(path, counts[0] if counts else 1, frame)
            order = order.reshape(counts[0], -1)[frame] if counts else order
            if affine is not None and axes[0] == "z":
                affine = affine.copy()
                affine[:3, 3] += frame * affine[:3, 2]
            counts, axes = (counts[1:], axes[1:]) if counts else (counts, axes)
        frames = [_decoded(path, dataset, int(index), layout.frames) for index in order]
        values, coloured = dicom_values.meaning_of(dataset, frames, order, palette)
        pixels = values.reshape(*counts, *values.shape[1:])
        spacing = layout.spacing
        if spacing is not None:
            spacing = spacing[-len([letter for letter in axes if letter in "zyx"]) :]
        return Image(
            pixels,
            axes + ("c" if coloured else ""),
            spacing=spacing,
            affine=affine,
            metadata=metadata_of(dataset),
        )

    def write(self, image: Image, path: Path) -> None:
        """Write a Secondary Capture image, uncompressed.

        Args:
            image: one picture, grey uint8, uint16 or int16, or rgb uint8.
            path: where.

        Raises:
            ImageWriteError: pixels of another kind.
        """
        dicom_capture.write(image, path)


def read_header(path: Path) -> Any:
    """The attributes of a file, without its pixels.

    Args:
        path: a DICOM file.

    Raises:
        ImageFileError: damaged, or there are no pixels to speak of.
    """
    dataset = _dataset(path, pixels=False)
    if "Rows" not in dataset:
        raise UnsupportedImageError(path, f"a DICOM {_kind(dataset)}, which has no pixels")
    return dataset


def header(path: Path) -> Any:
    """The attributes of a file, with its undecoded pixels.

    Args:
        path: a DICOM file.

    Raises:
        ImageFileError: damaged or without pixels.
    """
    dataset = _dataset(path, pixels=True)
    if not any(keyword in dataset for keyword in _PIXELS):
        raise UnsupportedImageError(path, f"a DICOM {_kind(dataset)}, which has no pixels")
    return dataset


def amount(path: Path, dataset: Any) -> int:
    """Bytes of the decoded pixels, after they were found to be reasonable.

    Args:
        path: named in the errors.
        dataset: the attributes.

    Raises:
        ImageFileError: the attributes that say so are missing, or ask for too much.
    """
    try:
        rows, columns = int(dataset.Rows), int(dataset.Columns)
        frames = int(dataset.get("NumberOfFrames", 1) or 1)
        samples, bits = int(dataset.get("SamplesPerPixel", 1)), int(dataset.BitsAllocated)
    except (AttributeError, TypeError, ValueError) as error:
        raise TruncatedImageError(path, f"the header does not describe pixels: {error}") from error
    if min(rows, columns, frames, samples, bits) < 1:
        raise TruncatedImageError(
            path, f"the header says {rows} x {columns} pixels, {frames} frames of {bits} bits"
        )
    stored = rows * columns * frames * samples * bits // 8
    check_amount(path, rows * columns * frames * samples * max(bits // 8, 1), path.stat().st_size)
    found = len(dataset.PixelData) if "PixelData" in dataset else None
    if found is not None and not dataset.file_meta.TransferSyntaxUID.is_compressed:
        subsampled = str(dataset.get("PhotometricInterpretation", "")).startswith("YBR_FULL_42")
        if found < (stored * 2 // 3 if subsampled else stored):
            raise TruncatedImageError(
                path, f"the header promises {stored} bytes of pixels, {found} are there"
            )
    return stored


def metadata_of(dataset: Any) -> dict[str, Any]:
    """What the image carries on besides pixels and geometry.

    Args:
        dataset: the attributes.
    """
    facts: dict[str, Any] = {
        "format": "DICOM",
        "photometric": str(dataset.get("PhotometricInterpretation", "")),
    }
    for name, keyword in (
        ("modality", "Modality"),
        ("series_uid", "SeriesInstanceUID"),
        ("body_part", "BodyPartExamined"),
    ):
        if dataset.get(keyword):
            facts[name] = str(dataset.get(keyword))
    return facts | dicom_values.display_of(dataset)


def _kind(dataset: Any) -> str:
    return str(dataset.SOPClassUID.name) if "SOPClassUID" in dataset else "object of unknown class"


def _dataset(path: Path, *, pixels: bool) -> Any:
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=not pixels)
    except (InvalidDicomError, EOFError, OSError, NotImplementedError) as error:
        raise TruncatedImageError(
            path, f"the DICOM header is truncated or damaged: {error}"
        ) from error
    if not len(dataset):
        raise TruncatedImageError(path, "the DICOM file has no attributes")
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        if little is None:
            raise TruncatedImageError(path, "the DICOM file does not say how it is encoded")
        uids = pydicom.uid
        explicit = uids.ExplicitVRLittleEndian if little else uids.ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = uids.ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _decoded(path: Path, dataset: Any, index: int, frames: int) -> NDArray[Any]:
    from pydicom.pixels import get_decoder, pixel_array

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise UnsupportedImageError(path, f"pixels in the transfer syntax {syntax.name}") from error
    if not decoder.is_available:
        raise DecoderMissingError(
            path,
            f"pixels compressed as {syntax.name} need decoders; install them with: pip install 'deephealth[dicom]'",
        )
    try:
        frame = pixel_array(dataset, raw=False, index=index if frames > 1 else None)
    except RuntimeError as error:
        if syntax.is_compressed and int(dataset.get("BitsAllocated", 8)) == 1:
            raise UnsupportedImageError(
                path, f"pixels of one bit compressed as {syntax.name}"
            ) from error
        raise TruncatedImageError(path, f"no decoder could read the pixels: {error}") from error
    except (ValueError, AttributeError, KeyError, IndexError, TypeError) as error:
        raise TruncatedImageError(path, f"the pixels are truncated or damaged: {error}") from error
    return np.asarray(frame, dtype=frame.dtype.newbyteorder("="))

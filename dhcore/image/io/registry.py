"""Which format a file is, and the two functions everything else uses: read and write."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from dhcore.image.errors import (
    EmptyImageError,
    ImageFileError,
    ImageTooLargeError,
    ImageWriteError,
    MissingImageError,
    NotAnImageError,
    TruncatedImageError,
)
from dhcore.image.image import Image
from dhcore.image.io._quiet import Quiet
from dhcore.image.io.dicom import DicomFormat
from dhcore.image.io.dicom_series import read_series
from dhcore.image.io.format import HEAD_BYTES, Format, ImageInfo, Palette
from dhcore.image.io.nifti import NiftiFormat
from dhcore.image.io.raster import RasterFormat
from dhcore.image.io.tiff import TiffFormat

__all__ = ["FORMATS", "format_of", "inspect", "read", "write"]

Result = TypeVar("Result")
_QUIET: Final = Quiet()

#: Tried in this order. DICOM comes before TIFF because a file may be both: the preamble of a slide holds a TIFF header.
FORMATS: Final[tuple[Format, ...]] = (
    RasterFormat("PNG", (".png",), rb"\x89PNG\r\n\x1a\n"),
    RasterFormat("JPEG", (".jpg", ".jpeg"), rb"\xff\xd8\xff"),
    RasterFormat("BMP", (".bmp",), rb"BM.{12}[\x0c\x28\x40\x6c\x7c]\0\0\0"),
    RasterFormat("GIF", (), rb"GIF8[79]a"),
    RasterFormat("PPM", (".ppm", ".pgm"), rb"P[1-6]\s"),
    DicomFormat(),
    TiffFormat(),
    NiftiFormat(),
)


def format_of(path: Path) -> Format:
    """Find the format of a file from its content.

    Args:
        path: the file.

    Raises:
        MissingImageError: there is no such file.
        EmptyImageError: it has no bytes.
        NotAnImageError: no format recognises it.
    """
    if path.is_dir():
        raise NotAnImageError(
            path, "this is a folder; a folder of DICOM slices is read with read_series"
        )
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        raise MissingImageError(path, "no such file") from None
    except OSError as error:
        raise ImageFileError(path, f"the file cannot be read: {error.strerror}") from error
    if not head:
        raise EmptyImageError(path, "the file is empty")
    for candidate in FORMATS:
        if candidate.recognises(head):
            return candidate
    known = ", ".join(candidate.name for candidate in FORMATS)
    raise NotAnImageError(
        path, f"not an image: its first bytes {head[:8]!r} are of none of the formats {known}"
    )


def inspect(path: Path | str) -> ImageInfo:
    """Read what the header of an image file says, without decoding pixels.

    Args:
        path: the file.

    Raises:
        ImageFileError: the file is missing, empty, damaged or not an image.

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Image(np.zeros((4, 5), np.uint8), "yx"), f"{folder}/a.png")
    ...     inspect(f"{folder}/a.png").shape
    (4, 5)
    """
    path = Path(path)
    found = format_of(path)
    return _guarded(path, lambda: found.inspect(path))


def read(path: Path | str, *, frame: int | None = None, palette: Palette = "colour") -> Image:
    """Read an image file of any known format, recognised by its content.

    Values are those the file means: NIfTI scaling and DICOM rescaling (Hounsfield units) are applied, pictures are
    turned by their EXIF orientation, palettes and YBR become RGB. See `display` for windows and MONOCHROME1.

    Args:
        path: the file; a folder is read as a DICOM series.
        frame: only this one along the first axis (page, slice, time) of the file.
        palette: "index" keeps the indices of a palette picture, which is how labels are often painted.

    Raises:
        ImageFileError: the file is missing, empty, damaged, not an image, or not supported; the class says which.

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Image(np.full((4, 5), 7, np.uint16), "yx"), f"{folder}/a.png")
    ...     read(f"{folder}/a.png")
    <Image y=4 x=5 uint16 gray>
    """
    path = Path(path)
    if path.is_dir():
        return _guarded(path, lambda: read_series(path))
    found = format_of(path)
    return _guarded(path, lambda: found.read(path, frame, palette))


def write(image: Image, path: Path | str) -> None:
    """Write an image file; the ending of the name chooses the format. Either the whole file appears or nothing.

    Args:
        image: what to write.
        path: a name that ends in one of the suffixes of the registry.

    Raises:
        ImageWriteError: no format has this ending, or the format cannot hold the image.
    """
    path = Path(path)
    name = path.name.lower()
    found = next((f for f in FORMATS if name.endswith(f.suffixes)), None)
    if found is None:
        known = " ".join(suffix for candidate in FORMATS for suffix in candidate.suffixes)
        raise ImageWriteError(path, f"no format is written to such a name; the endings are {known}")
    suffix = next(ending for ending in found.suffixes if name.endswith(ending))
    try:
        handle, temporary = tempfile.mkstemp(prefix=".writing-", suffix=suffix, dir=path.parent)
    except OSError as error:
        raise ImageWriteError(path, f"the folder cannot be written to: {error.strerror}") from error
    os.close(handle)
    try:
        found.write(image, Path(temporary))
        # mkstemp makes files that only their owner may read; a picture is not a secret of this process.
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except ImageFileError as error:
        raise type(error)(path, error.reason) from error.__cause__
    finally:
        Path(temporary).unlink(missing_ok=True)


def _guarded(path: Path, action: Callable[[], Result]) -> Result:
    """Decoders raise whatever they like on a damaged file; callers see an ImageFileError and no warnings."""
    try:
        with _QUIET():
            return action()
    except ImageFileError:
        raise
    except MemoryError as error:
        raise ImageTooLargeError(path, "the pixels do not fit into memory") from error
    except Exception as error:  # the decoders promise no class of exceptions
        detail = str(error) or type(error).__name__
        raise TruncatedImageError(path, f"the content is damaged: {detail}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

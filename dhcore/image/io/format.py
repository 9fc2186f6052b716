"""What a file format is to the rest of the library.

A format recognises its files by their first bytes, never by their name; the name only chooses the format when writing.
`tests/conformance/test_image_format_contract.py` holds every format of the registry to this contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from dhcore.image.errors import ImageTooLargeError, TruncatedImageError
from dhcore.image.image import Image

__all__ = ["HEAD_BYTES", "MAX_BYTES", "Format", "ImageInfo", "Palette", "check_amount"]

#: How many bytes a format gets to recognise a file; a DICOM file says what it is at byte 128.
HEAD_BYTES: Final = 1024
#: Decoded pixels beyond this many bytes are refused.
MAX_BYTES: Final = 8 * 2**30
#: zlib, the tightest of the common compressions, makes at best one byte of 1032; a palette bit becomes three bytes.
_MAX_RATIO: Final = 1032 * 8 * 3
_SMALL: Final = 2**22

#: Whether an indexed picture is read as its colours, or as its indices (labels painted with a palette).
Palette = Literal["colour", "index"]


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the header of a file says; the pixels were not decoded."""

    #: Name of the format in the registry.
    format: str
    shape: tuple[int, ...]
    axes: str
    dtype: str
    spacing: tuple[float, ...] | None = None
    #: Further lines worth showing: compression, orientation, window.
    details: tuple[str, ...] = ()


class Format(Protocol):
    """One file format."""

    @property
    def name(self) -> str:
        """Short name, as `image info` prints it."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of file names that are written in this format, lower case."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that starts so is of this format.

        Args:
            head: the first `HEAD_BYTES` bytes, fewer when the file is short.
        """

    def inspect(self, path: Path) -> ImageInfo:
        """Read the header.

        Args:
            path: a file that `recognises` accepted.

        Raises:
            ImageFileError: the header is damaged or asks for too much.
        """

    def read(self, path: Path, frame: int | None, palette: Palette) -> Image:
        """Read the pixels.

        Args:
            path: a file that `recognises` accepted.
            frame: index along the first axis (page, slice, time) of the one wanted; all when None.
            palette: what to make of indexed colours; only raster formats have them.

        Raises:
            ImageFileError: the content is damaged, unsupported or too large.
        """

    def write(self, image: Image, path: Path) -> None:
        """Write a file; the caller moves it to its place when this returns.

        Args:
            image: what to write.
            path: where.

        Raises:
            ImageWriteError: the format cannot hold this image.
        """


def check_amount(
    path: Path, needed: int, available: int | None = None, *, ratio: int = _MAX_RATIO
) -> None:
    """Refuse a header that asks for an absurd amount of memory, before any is taken.

    Args:
        path: named in the error.
        needed: bytes of the decoded pixels.
        available: bytes of the file, when its compression is bounded as that of zlib is.
        ratio: bytes of pixels that one byte of the file can hold at most.

    Raises:
        ImageTooLargeError: more than `MAX_BYTES`.
        TruncatedImageError: more than any compression can make of so short a file.

    >>> check_amount(Path("scan.png"), 640 * 480, 70_000)
    """
    if needed > MAX_BYTES:
        raise ImageTooLargeError(
            path,
            f"the header asks for {needed / 2**30:.1f} GiB of pixels, the limit is {MAX_BYTES // 2**30} GiB",
        )
    if available is not None and needed > _SMALL + available * ratio:
        raise TruncatedImageError(
            path,
            f"the header promises {needed} bytes of pixels, a file of {available} bytes cannot hold them",
        )

"""What can go wrong with an image.

    ImageError
      AxesError                 the pixels and their description do not fit, or an operation needs other axes
      ImageFileError            a file, and the reason
        MissingImageError       no such file
        EmptyImageError         zero bytes, or no file that is an image in a folder
        NotAnImageError         no format recognises the content
        TruncatedImageError     the content ends too early or is damaged
        UnsupportedImageError   an image of a kind that is not handled
        DecoderMissingError     the decoder is an optional package
        ImageTooLargeError      the header promises more pixels than the limit, or than the file can hold
        ImageWriteError         this image cannot be kept in that file

Every file error says which file and why, and keeps both as `path` and `reason`.
"""

from __future__ import annotations

from pathlib import Path

from dhcore.errors import DhcoreError

__all__ = [
    "AxesError",
    "DecoderMissingError",
    "EmptyImageError",
    "ImageError",
    "ImageFileError",
    "ImageTooLargeError",
    "ImageWriteError",
    "MissingImageError",
    "NotAnImageError",
    "TruncatedImageError",
    "UnsupportedImageError",
]


class ImageError(DhcoreError, ValueError):
    """An image, or a request made of one, is not what it has to be."""


class AxesError(ImageError):
    """Pixels, axes, spacing or affine contradict each other or the operation."""


class ImageFileError(ImageError):
    """A file could not become an image, or the other way round.

    Args:
        path: the file.
        reason: what was found and what can be done, without the path.
    """

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(str(path), reason)
        self.path = Path(path)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class MissingImageError(ImageFileError, FileNotFoundError):
    """There is no such file."""

    def __new__(cls, *arguments: object) -> MissingImageError:
        """Make the bare object, as unpickling does."""
        # ValueError comes first among the bases, but its __new__ refuses the layout of an OSError; who revives an
        # exception by __new__ (tblib, which Dask installs) would fail.
        return FileNotFoundError.__new__(cls, *arguments)


class EmptyImageError(ImageFileError):
    """The file has no bytes, or the folder has no images."""


class NotAnImageError(ImageFileError):
    """No format of the registry recognises the content."""


class TruncatedImageError(ImageFileError):
    """The content ends before the pixels do, or is damaged."""


class UnsupportedImageError(ImageFileError):
    """The format is known, this variant of it is not handled."""


class DecoderMissingError(ImageFileError):
    """The pixels are compressed in a way that needs an optional package."""


class ImageTooLargeError(ImageFileError):
    """The header asks for an absurd amount of memory."""


class ImageWriteError(ImageFileError):
    """The image cannot be kept in a file of that format."""

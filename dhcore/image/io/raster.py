"""Pictures through Pillow: PNG, JPEG, BMP, GIF, PPM.

Pillow cuts colour PNG of 16 bits down to 8; `png16` reads and writes those. Resolution tags of these formats speak of
paper, not of patients, so they give no spacing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageOps

from dhcore.image.errors import (
    ImageTooLargeError,
    ImageWriteError,
    NotAnImageError,
    TruncatedImageError,
)
from dhcore.image.image import Image
from dhcore.image.io import png16
from dhcore.image.io.format import ImageInfo, Palette, check_amount

__all__ = ["RasterFormat", "pixels_of", "select_frame"]

_EXIF_ORIENTATION: Final = 0x0112
#: Bytes of one pixel after the conversions below.
_BYTES: Final = {"1": 1, "L": 1, "P": 4, "I;16": 2, "I;16B": 2, "I;16L": 2, "RGB": 3}
_WRITABLE: Final = {
    "PNG": {
        ("gray", "uint8"),
        ("gray", "uint16"),
        ("rgb", "uint8"),
        ("rgb", "uint16"),
        ("rgba", "uint8"),
        ("rgba", "uint16"),
    },
    "JPEG": {("gray", "uint8"), ("rgb", "uint8")},
    "BMP": {("gray", "uint8"), ("rgb", "uint8")},
    "PPM": {("gray", "uint8"), ("rgb", "uint8")},
}


class RasterFormat:
    """A format that Pillow reads and writes.

    Args:
        name: what Pillow calls it.
        suffixes: endings written in this format; none when it is only read.
        signature: pattern of the first bytes.

    >>> RasterFormat("PNG", (".png",), rb"\\x89PNG").recognises(b"\\x89PNG...")
    True
    """

    def __init__(self, name: str, suffixes: tuple[str, ...], signature: bytes) -> None:
        self._name = name
        self._suffixes = suffixes
        self._signature = re.compile(signature, re.DOTALL)

    @property
    def name(self) -> str:
        """Short name."""
        return self._name

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of file names."""
        return self._suffixes

    def recognises(self, head: bytes) -> bool:
        """Whether the first bytes match the signature.

        Args:
            head: start of the file.
        """
        return self._signature.match(head) is not None

    def inspect(self, path: Path) -> ImageInfo:
        """Read the header.

        Args:
            path: the file.

        Raises:
            ImageFileError: damaged or too large.
        """
        with _opened(path, self._name) as picture:
            turned = _orientation(picture)
            width, height = picture.size if turned < 5 else picture.size[::-1]
            channels = _channels(picture)
            frames = _frames(picture, self._name)
            sixteen = self._name == "PNG" and png16.is_wide(path)
        shape = (height, width) + ((channels,) if channels > 1 else ())
        axes = "yxc" if channels > 1 else "yx"
        dtype = "uint16" if sixteen else _dtype_name(picture.mode)
        details = (f"mode {picture.mode}",) + (
            (f"EXIF orientation {turned}",) if turned != 1 else ()
        )
        if frames > 1:
            shape, axes = (frames, *shape), "t" + axes
        return ImageInfo(self._name, shape, axes, dtype, None, details)

    def read(self, path: Path, frame: int | None, palette: Palette) -> Image:
        """Decode the pixels, turned as EXIF says.

        Args:
            path: the file.
            frame: one frame of an animation; all when None.
            palette: "index" keeps palette indices.

        Raises:
            ImageFileError: damaged or too large.
        """
        if self._name == "PNG" and png16.is_wide(path):
            select_frame(path, 1, frame)
            return png16.read(path)
        with _opened(path, self._name) as picture:
            count = _frames(picture, self._name)
            wanted = select_frame(path, count, frame)
            parts = []
            for index in wanted:
                if count > 1:
                    picture.seek(index)
                parts.append(_decoded(path, picture, palette))
            metadata = {"format": self._name, "mode": picture.mode}
        pixels = parts[0] if count == 1 or frame is not None else np.stack(parts)
        colours = parts[0].ndim == 3
        axes = ("t" if pixels.ndim > parts[0].ndim else "") + ("yxc" if colours else "yx")
        return Image(pixels, axes, metadata=metadata)

    def write(self, image: Image, path: Path) -> None:
        """Encode; JPEG with quality 95 and full colour resolution.

        Args:
            image: uint8 grey or rgb; PNG also rgba and uint16.
            path: where.

        Raises:
            ImageWriteError: the format has no place for these pixels.
        """
        allowed = _WRITABLE[self._name]
        if (
            len(image.spatial_axes) != 2
            or "t" in image.axes
            or (image.colour, str(image.dtype)) not in allowed
        ):
            kinds = ", ".join(sorted(f"{colour} {dtype}" for colour, dtype in allowed))
            raise ImageWriteError(
                path, f"{self._name} holds one picture of {kinds}, this is {image!r}"
            )
        pixels = np.ascontiguousarray(image.transpose("yxc" if "c" in image.axes else "yx").pixels)
        if pixels.dtype == np.uint16 and pixels.ndim == 3:
            png16.write(pixels, path)
            return
        options: dict[str, Any] = {"quality": 95, "subsampling": 0} if self._name == "JPEG" else {}
        Pillow.fromarray(pixels).save(path, format=self._name, **options)


def select_frame(path: Path, count: int, frame: int | None) -> range:
    """The frames to read.

    Args:
        path: named in the error.
        count: how many the file has.
        frame: the one wanted, or None for all.

    Raises:
        TruncatedImageError: there is no such frame.

    >>> list(select_frame(Path("a.tif"), 3, None)), list(select_frame(Path("a.tif"), 3, 1))
    ([0, 1, 2], [1])
    """
    if frame is None:
        return range(count)
    if not 0 <= frame < count:
        raise TruncatedImageError(path, f"frame {frame} was asked for, the file has {count}")
    return range(frame, frame + 1)


def pixels_of(picture: Pillow.Image, palette: Palette) -> NDArray[Any]:
    """The pixels of a Pillow image of any mode: grey, RGB or RGBA, 8 or 16 bits, 32-bit integers or floats.

    Args:
        picture: the image.
        palette: "index" keeps palette indices.

    >>> pixels_of(Pillow.new("1", (2, 1), 1), "colour")
    array([[255, 255]], dtype=uint8)
    """
    mode = picture.mode
    if mode == "P" and palette == "index":
        return np.array(picture)
    if mode in {"I;16B", "I;16L", "I;16N"}:
        return np.array(picture).astype(np.uint16)
    if mode == "I" and picture.format == "PPM":
        return np.array(picture).astype(np.uint16)
    target = _target_mode(picture)
    return np.array(picture if mode == target else picture.convert(target))


def _target_mode(picture: Pillow.Image) -> str:
    if picture.mode in {"P", "PA"}:
        return "RGBA" if picture.mode == "PA" or "transparency" in picture.info else "RGB"
    changed = {"1": "L", "LA": "RGBA", "La": "RGBA", "RGBa": "RGBA", "RGBX": "RGB"}
    changed |= dict.fromkeys(("CMYK", "YCbCr", "LAB", "HSV"), "RGB")
    return changed.get(picture.mode, picture.mode)


def _opened(path: Path, name: str) -> Pillow.Image:
    try:
        picture = Pillow.open(path, formats=(name,))
    except Pillow.DecompressionBombError as error:
        raise ImageTooLargeError(
            path, f"{error}; the limit is PIL.Image.MAX_IMAGE_PIXELS"
        ) from error
    except PIL.UnidentifiedImageError as error:
        raise NotAnImageError(
            path, f"it begins as {name}, but its header makes no sense"
        ) from error
    try:
        width, height = picture.size
        size = width * height * _frames(picture, name) * _BYTES.get(picture.mode, 4)
        check_amount(path, size, path.stat().st_size)
    except BaseException:
        picture.close()
        raise
    return picture


def _frames(picture: Pillow.Image, name: str) -> int:
    return int(getattr(picture, "n_frames", 1)) if name == "GIF" else 1


def _decoded(path: Path, picture: Pillow.Image, palette: Palette) -> NDArray[Any]:
    try:
        picture.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise TruncatedImageError(path, f"the pixels are truncated or damaged: {error}") from error
    except Pillow.DecompressionBombError as error:
        raise ImageTooLargeError(path, str(error)) from error
    turned = picture
    if picture.format in {"PNG", "JPEG"} and picture.getexif().get(_EXIF_ORIENTATION, 1) != 1:
        turned = ImageOps.exif_transpose(picture)
    return pixels_of(turned, palette)


def _orientation(picture: Pillow.Image) -> int:
    # Asking a PNG for EXIF that its header lacks would decode the whole picture.
    if picture.format not in {"PNG", "JPEG"} or (
        picture.format == "PNG" and "exif" not in picture.info
    ):
        return 1
    return int(picture.getexif().get(_EXIF_ORIENTATION, 1))


def _channels(picture: Pillow.Image) -> int:
    return {"RGB": 3, "RGBA": 4}.get(_target_mode(picture), 1)


def _dtype_name(mode: str) -> str:
    return {"I": "int32", "F": "float32"}.get(
        mode, "uint16" if mode.startswith("I;16") else "uint8"
    )

"""TIFF through tifffile, and through Pillow for compressions that tifffile leaves to a package of its own (JPEG).

The first series of pages is the image; pages of one size become slices. Resolutions in pixels per centimetre, as
microscopes write them, give the spacing; those per inch speak of paper and do not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from dhcore.image.errors import ImageWriteError, TruncatedImageError, UnsupportedImageError
from dhcore.image.image import Image
from dhcore.image.io.format import ImageInfo, Palette, check_amount
from dhcore.image.io.raster import pixels_of, select_frame

__all__ = ["TiffFormat"]

_SIGNATURES: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CENTIMETRE: Final = 3
_MILLIMETRES_PER_CENTIMETRE: Final = 10.0


class TiffFormat:
    """TIFF and BigTIFF.

    >>> TiffFormat().recognises(b"II*\\0")
    True
    """

    name: Final = "TIFF"
    suffixes: Final = (".tif", ".tiff")

    def recognises(self, head: bytes) -> bool:
        """Whether the file starts with the byte order and the number 42 or 43.

        Args:
            head: start of the file.
        """
        return head.startswith(_SIGNATURES)

    def inspect(self, path: Path) -> ImageInfo:
        """Read the directory of the first page.

        Args:
            path: the file.

        Raises:
            ImageFileError: damaged, unsupported or too large.
        """
        with tifffile.TiffFile(path) as file:
            page, count = _first(path, file)
            shape, axes = _layout(path, page)
            details = (f"compression {page.compression.name}", f"{len(file.pages)} pages")
            spacing = _spacing(page)
            name = str(page.dtype)
        if count > 1:
            shape, axes = (count, *shape), "z" + axes
            spacing = None
        return ImageInfo("TIFF", shape, axes, name, spacing, details)

    def read(self, path: Path, frame: int | None, palette: Palette) -> Image:
        """Decode the first series.

        Args:
            path: the file.
            frame: one page; all when None.
            palette: "index" keeps palette indices.

        Raises:
            ImageFileError: damaged, unsupported or too large.
        """
        with tifffile.TiffFile(path) as file:
            page, count = _first(path, file)
            _, axes = _layout(path, page)
            wanted = select_frame(path, count, frame)
            parts = [_decoded(path, file, index, palette) for index in wanted]
            spacing = _spacing(page)
        if parts[0].ndim == 3 and "c" not in axes:
            axes = "yxc"
        elif parts[0].ndim == 2:
            axes = "yx"
        many = count > 1 and frame is None
        pixels = np.stack(parts) if many else parts[0]
        return Image(
            pixels,
            ("z" if many else "") + axes,
            spacing=None if many else spacing,
            metadata={"format": "TIFF", "pages": count},
        )

    def write(self, image: Image, path: Path) -> None:
        """Write every page with deflate compression; the spacing of y and x is kept.

        Args:
            image: a picture or volume of integers or floats.
            path: where.

        Raises:
            ImageWriteError: a time axis, or an element type that TIFF lacks.
        """
        if "t" in image.axes or image.dtype.kind not in "iuf" or image.dtype.itemsize > 8:
            raise ImageWriteError(
                path, f"TIFF holds pictures and volumes of integers or floats, this is {image!r}"
            )
        order = "".join(letter for letter in "zyxc" if letter in image.axes)
        turned = image.transpose(order)
        options: dict[str, Any] = {
            "photometric": "rgb" if image.colour in {"rgb", "rgba"} else "minisblack"
        }
        if image.colour == "rgba":
            options["extrasamples"] = ["unassalpha"]
        if turned.spacing is not None:
            y, x = turned.spacing[-2:]
            options |= {
                "resolution": (_MILLIMETRES_PER_CENTIMETRE / x, _MILLIMETRES_PER_CENTIMETRE / y),
                "resolutionunit": _CENTIMETRE,
            }
        if "c" in order and options["photometric"] == "minisblack":
            options["planarconfig"] = "contig"
        pages = turned.pixels if "z" in order else turned.pixels[None]
        with tifffile.TiffWriter(path) as file:
            for page in pages:
                file.write(
                    np.ascontiguousarray(page),
                    compression="zlib",
                    contiguous=False,
                    metadata=None,
                    **options,
                )


def _first(path: Path, file: Any) -> tuple[Any, int]:
    if not len(file.pages):
        raise TruncatedImageError(path, "the file has no pages")
    page = file.pages[0]
    if 0 in page.shape:
        raise TruncatedImageError(path, f"the header says {page.shape} pixels")
    count = _equal_pages(file, page)
    size = int(np.prod(page.shape, dtype=object)) * np.dtype(page.dtype).itemsize
    compressed = page.compression != 1
    check_amount(path, size * count, path.stat().st_size)
    if not compressed and sum(page.databytecounts) > path.stat().st_size:
        raise TruncatedImageError(
            path, f"{sum(page.databytecounts)} bytes of pixels promised by the header"
        )
    return page, count


def _equal_pages(file: Any, page: Any) -> int:
    """Pages that continue the first; a pyramid or a thumbnail has another size and does not."""
    count = 1
    for other in file.pages[1:]:
        if other.shape != page.shape or other.dtype != page.dtype:
            break
        count += 1
    # The slices of a volume fill the file; pages after a different one are previews, labels, lower resolutions.
    return count if count == len(file.pages) else 1


def _layout(path: Path, page: Any) -> tuple[tuple[int, ...], str]:
    axes = page.axes.lower().replace("s", "c")
    if axes not in {"yx", "yxc", "cyx"} or page.dtype is None:
        raise UnsupportedImageError(
            path, f"pages with the axes {page.axes!r} and {page.dtype} elements"
        )
    shape = tuple(int(n) for n in page.shape)
    return (shape, axes) if axes != "cyx" else ((*shape[1:], shape[0]), "yxc")


def _decoded(path: Path, file: Any, index: int, palette: Palette) -> NDArray[Any]:
    page = file.pages[index]
    try:
        pixels = page.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        with Pillow.open(path, formats=("TIFF",)) as picture:
            picture.seek(index)
            return pixels_of(picture, palette)
    if pixels.ndim == 3 and page.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    if page.photometric.name == "PALETTE" and palette == "colour":
        # A colour map has 16 bits; pictures have 8.
        pixels = (np.moveaxis(page.colormap[:, pixels], 0, -1) >> 8).astype(np.uint8)
    if page.photometric.name == "MINISWHITE" and pixels.dtype.kind == "u":
        pixels = np.iinfo(pixels.dtype).max - pixels
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    return np.asarray(pixels, dtype=pixels.dtype.newbyteorder("="))


def _spacing(page: Any) -> tuple[float, float] | None:
    tags = page.tags
    if "XResolution" not in tags or "YResolution" not in tags or "ResolutionUnit" not in tags:
        return None
    if int(tags["ResolutionUnit"].value) != _CENTIMETRE:
        return None
    steps = []
    for name in ("YResolution", "XResolution"):
        numerator, denominator = tags[name].value
        if not numerator or not denominator:
            return None
        steps.append(_MILLIMETRES_PER_CENTIMETRE * denominator / numerator)
    return steps[0], steps[1]

"""NIfTI through nibabel: .nii, .nii.gz.

A NIfTI array is indexed [x, y, z, t] with x fastest, so its transpose is an image with the axes "tzyx" in C order, and
nothing is copied. Uncompressed files without scaling stay on disk, mapped into memory, until a pixel is looked at. The
affine is kept as it is: x, y and z of the image are i, j and k of the file.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dhcore.image.affine import affine_from_spacing
from dhcore.image.errors import ImageWriteError, TruncatedImageError, UnsupportedImageError
from dhcore.image.image import Image
from dhcore.image.io.format import HEAD_BYTES, ImageInfo, Palette, check_amount
from dhcore.image.io.raster import select_frame

__all__ = ["NiftiFormat"]

_GZIP: Final = b"\x1f\x8b"
#: Endings that nibabel would unpack whatever is in the file.
_PACKED_ENDINGS: Final = {".gz", ".bz2", ".zst"}
#: Where the magic is, what it is, and the class that reads the file.
_KINDS: Final = (
    (344, b"n+1\0", "Nifti1Image"),
    (4, b"n+2\0", "Nifti2Image"),
    (344, b"ni1\0", "Nifti1Pair"),
    (4, b"ni2\0", "Nifti2Pair"),
)
_MILLIMETRES: Final = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
_WRITABLE: Final = {
    "uint8",
    "int8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float32",
    "float64",
}


class NiftiFormat:
    """NIfTI-1 and NIfTI-2 in one file, plain or gzipped.

    >>> NiftiFormat().recognises(b"\\0" * 344 + b"n+1\\0")
    True
    """

    name: Final = "NIfTI"
    suffixes: Final = (".nii", ".nii.gz")

    def recognises(self, head: bytes) -> bool:
        """Whether the magic of NIfTI is in the header, unpacked first when that is gzipped.

        Args:
            head: start of the file.
        """
        if head.startswith(_GZIP):
            head = _unpacked(head)
        return head[344:348] in {b"n+1\0", b"ni1\0"} or head[4:8] in {b"n+2\0", b"ni2\0"}

    def inspect(self, path: Path) -> ImageInfo:
        """Read the header.

        Args:
            path: the file.

        Raises:
            ImageFileError: damaged, unsupported or too large.
        """
        from nibabel.orientations import aff2axcodes

        with _opened(path) as file:
            axes, shape, _ = _layout(path, file)
            spacing = _spacing(file, axes)
            directions = "".join(letter or "?" for letter in aff2axcodes(file.affine))
            details = (
                f"orientation {directions}",
                f"slope {file.dataobj.slope:g}, intercept {file.dataobj.inter:g}",
            )
            return ImageInfo("NIfTI", shape, axes, str(_dtype(file)), spacing, details)

    def read(self, path: Path, frame: int | None, palette: Palette) -> Image:  # noqa: ARG002  # NIfTI has no palettes
        """Read the voxels, scaled by slope and intercept.

        Args:
            path: the file.
            frame: one volume of a series, or one slice of a volume; only that part of an uncompressed file is read.
            palette: not used.

        Raises:
            ImageFileError: damaged, unsupported or too large.
        """
        with _opened(path) as file:
            axes, shape, index = _layout(path, file)
            affine = _affine(file)
            if frame is not None:
                select_frame(path, shape[0], frame)
                index = _at_last(index, axes, frame)
                if axes[0] == "z":
                    affine = affine @ _slice_offset(frame)
                axes = axes[1:]
            voxels = _voxels(path, file, index)
            spacing = _spacing(file, axes)
            metadata = {"format": "NIfTI", "units": file.header.get_xyzt_units()}
            if "t" in axes:
                metadata["time_step"] = float(file.header.get_zooms()[3])
            if voxels.dtype.names:
                return _colours(path, voxels, axes, spacing, affine, metadata)
            return Image(voxels.T, axes, spacing=spacing, affine=affine, metadata=metadata)

    def write(self, image: Image, path: Path) -> None:
        """Write NIfTI-1 with the affine, or the spacing where there is none.

        Args:
            image: grey pixels with the axes yx, zyx or tzyx.
            path: where; gzipped when it ends in .gz.

        Raises:
            ImageWriteError: colours, or an element type that NIfTI lacks.
        """
        import nibabel

        if "c" in image.axes or str(image.dtype) not in _WRITABLE:
            raise ImageWriteError(
                path, f"NIfTI holds grey values of {sorted(_WRITABLE)}, this is {image!r}"
            )
        order = "".join(letter for letter in "tzyx" if letter in image.axes)
        turned = image.transpose(order)
        voxels = turned.pixels.T
        if "t" in order and "z" not in order:
            voxels = voxels[:, :, None, :]
        affine = turned.affine
        if affine is None:
            spacing = turned.spacing or (1.0,) * len(turned.spatial_axes)
            affine = affine_from_spacing(spacing, order)
        file = nibabel.Nifti1Image(voxels, affine, dtype=image.dtype)
        file.header.set_xyzt_units("mm", "sec")
        if "t" in order:
            zooms = list(file.header.get_zooms())
            zooms[3] = float(image.metadata.get("time_step", 1.0))
            file.header.set_zooms(zooms)
        nibabel.save(file, path)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file as nibabel sees it, which goes by the ending of the name: what is packed is handed over as a stream."""
    import nibabel

    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    packed = head.startswith(_GZIP)
    if packed:
        head = _unpacked(head)
    kind = next((name for place, magic, name in _KINDS if head[place : place + 4] == magic), None)
    if kind is None:
        raise UnsupportedImageError(path, "an unknown version of NIfTI")
    image = getattr(nibabel, kind)
    if "Pair" in kind:
        yield image.from_filename(path, mmap="c")
    elif packed or path.suffix in _PACKED_ENDINGS:
        with gzip.open(path) if packed else path.open("rb") as stream:
            yield image.from_stream(stream)
    else:
        yield image.from_file_map(image.make_file_map({"image": str(path)}), mmap="c")


def _affine(file: Any) -> NDArray[np.float64]:
    affine = np.array(file.affine, dtype=np.float64)
    affine[:3] *= _MILLIMETRES.get(str(file.header.get_xyzt_units()[0]), 1.0)
    return affine


def _unpacked(head: bytes) -> bytes:
    import zlib

    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def _layout(path: Path, file: Any) -> tuple[str, tuple[int, ...], tuple[Any, ...]]:
    """Axes and shape of the image, and the index of its voxels in the file, without dimensions of size one."""
    dimensions = [int(n) for n in file.shape]
    if len(dimensions) < 2 or any(n < 1 for n in dimensions):
        raise UnsupportedImageError(
            path, f"an array of shape {tuple(dimensions)}; two to four dimensions are read"
        )
    if any(n > 1 for n in dimensions[4:]):
        raise UnsupportedImageError(
            path, f"an array of shape {tuple(dimensions)}; more than x, y, z and t"
        )
    stored = file.get_data_dtype()
    if stored.kind not in "iufV":
        raise UnsupportedImageError(
            path, f"voxels of type {stored}; integers, floats and RGB are read"
        )
    needed = int(np.prod(dimensions, dtype=object)) * stored.itemsize
    packed = _is_packed(path)
    check_amount(path, needed, path.stat().st_size if packed else None, ratio=1032)
    _check_present(path, file, needed, packed=packed)
    axes = "xyzt"[: min(len(dimensions), 4)]
    index: list[Any] = [slice(None)] * len(axes) + [0] * (len(dimensions) - len(axes))
    for place in range(2, len(axes)):
        # A flat volume is a picture; a series of one volume is a volume.
        if dimensions[place] == 1:
            index[place] = 0
    kept = [place for place in range(len(axes)) if isinstance(index[place], slice)]
    shape = tuple(dimensions[place] for place in reversed(kept))
    return "".join(axes[place] for place in reversed(kept)), shape, tuple(index)


def _check_present(path: Path, file: Any, needed: int, *, packed: bool) -> None:
    named = file.file_map["image"].filename
    data = path if named is None else Path(named)
    if not data.exists():
        raise TruncatedImageError(path, f"the voxels are in {data.name}, which is missing")
    if not packed and data == path:
        found = data.stat().st_size - int(file.dataobj.offset)
        if found < needed:
            raise TruncatedImageError(
                path, f"the header promises {needed} bytes of voxels, {max(found, 0)} are there"
            )


def _is_packed(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def _at_last(index: tuple[Any, ...], axes: str, frame: int) -> tuple[Any, ...]:
    kept = [place for place, part in enumerate(index) if isinstance(part, slice)]
    changed = list(index)
    changed[kept[len(axes) - 1]] = frame
    return tuple(changed)


def _slice_offset(frame: int) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[2, 3] = frame
    return matrix


def _voxels(path: Path, file: Any, index: tuple[Any, ...]) -> NDArray[Any]:
    proxy = file.dataobj
    try:
        if proxy.slope == 1.0 and proxy.inter == 0.0:
            voxels = proxy.get_unscaled() if not _is_packed(path) else proxy[...]
            return _native(np.asarray(voxels)[index])
        return _native(np.asarray(proxy[index]).astype(_dtype(file), copy=False))
    except (EOFError, OSError, gzip.BadGzipFile) as error:
        raise TruncatedImageError(path, f"the voxels are truncated or damaged: {error}") from error


def _native(voxels: NDArray[Any]) -> NDArray[Any]:
    return voxels if voxels.dtype.isnative else voxels.astype(voxels.dtype.newbyteorder("="))


def _dtype(file: Any) -> np.dtype[Any]:
    stored: np.dtype[Any] = np.dtype(file.get_data_dtype().newbyteorder("="))
    scaled = file.dataobj.slope != 1.0 or file.dataobj.inter != 0.0
    if not scaled:
        return stored
    # 24 bits of float32 hold every scaled 16-bit value; wider ones need float64.
    narrow = stored.itemsize <= 2 or stored == np.float32
    return np.dtype(np.float32) if narrow else np.dtype(np.float64)


def _spacing(file: Any, axes: str) -> tuple[float, ...] | None:
    unit = _MILLIMETRES.get(str(file.header.get_xyzt_units()[0]), 1.0)
    zooms = [float(abs(step)) * unit for step in file.header.get_zooms()] + [1.0] * 3
    known = dict(zip("xyz", zooms, strict=False))
    steps = tuple(known[letter] for letter in axes if letter in known)
    return steps if all(np.isfinite(step) and step > 0 for step in steps) else None


def _colours(
    path: Path,
    voxels: NDArray[Any],
    axes: str,
    spacing: Any,
    affine: NDArray[Any],
    metadata: dict[str, Any],
) -> Image:
    names = voxels.dtype.names or ()
    if len(names) not in {3, 4}:
        raise UnsupportedImageError(path, f"voxels with the parts {names}")
    channels = np.stack([voxels[name].T for name in names], axis=-1)
    return Image(channels, axes + "c", spacing=spacing, affine=affine, metadata=metadata)

"""A folder of DICOM files as one volume."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dhcore.image.affine import spacing_from_affine
from dhcore.image.errors import (
    EmptyImageError,
    ImageFileError,
    MissingImageError,
    UnsupportedImageError,
)
from dhcore.image.image import Image
from dhcore.image.io.dicom import DicomFormat, read_header
from dhcore.image.io.dicom_geometry import Place, affine_of, place_of, stack_order
from dhcore.image.io.format import HEAD_BYTES, check_amount

__all__ = ["read_series"]


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    path: Path
    place: Place | None
    #: Order in time of slices at one place.
    moment: tuple[int, str]


def read_series(folder: Path | str | Sequence[Path | str], *, series: str | None = None) -> Image:
    """Read the DICOM files of a folder as one volume, slices ordered by geometry.

    Files that are not DICOM are passed over. The result has the axes zyx, or tzyx when every place occurs several times
    (a series in time).

    Args:
        folder: a folder, or the files themselves.
        series: the SeriesInstanceUID to read when there are several.

    Raises:
        MissingImageError: there is no such folder.
        EmptyImageError: it holds no DICOM images.
        UnsupportedImageError: several series, or slices that are not parallel, evenly spaced and of one size; they
            are named.

    >>> read_series([])
    Traceback (most recent call last):
    ...
    dhcore.image.errors.EmptyImageError: .: no DICOM images
    """
    where, files = _files(folder)
    found: dict[str, list[tuple[Path, Any]]] = {}
    for path in files:
        header = _header(path)
        if header is not None:
            found.setdefault(str(header.get("SeriesInstanceUID", "")), []).append((path, header))
    members = _chosen(where, found, series)
    _check_alike(where, members)
    images = DicomFormat()
    if len(members) == 1:
        return images.read(members[0][0], None, "colour")
    slices = [_Slice(path, place_of(header), _moment(header)) for path, header in members]
    first = images.read(slices[0].path, None, "colour")
    check_amount(where, first.pixels.nbytes * len(slices))
    if first.spatial_axes == "zyx":
        return _in_time(where, slices)
    return _in_space(where, slices)


def _files(folder: Path | str | Sequence[Path | str]) -> tuple[Path, list[Path]]:
    if not isinstance(folder, (str, Path)):
        return Path(), [Path(path) for path in folder]
    where = Path(folder)
    if not where.exists():
        raise MissingImageError(where, "no such folder")
    return where, sorted(path for path in where.iterdir() if path.is_file())


def _header(path: Path) -> Any:
    with path.open("rb") as file:
        if not DicomFormat().recognises(file.read(HEAD_BYTES)):
            return None
    try:
        header = read_header(path)
    except ImageFileError:
        return None
    return header if "Rows" in header else None


def _chosen(
    where: Path, found: dict[str, list[tuple[Path, Any]]], series: str | None
) -> list[tuple[Path, Any]]:
    if not found:
        raise EmptyImageError(where, "no DICOM images")
    if series is not None:
        if series not in found:
            raise UnsupportedImageError(where, f"no series {series!r}; there are {sorted(found)}")
        return found[series]
    if len(found) > 1:
        listed = ", ".join(
            f"{uid} ({len(members)} files)" for uid, members in sorted(found.items())
        )
        raise UnsupportedImageError(
            where, f"{len(found)} series, choose one with series=...: {listed}"
        )
    return next(iter(found.values()))


def _check_alike(where: Path, members: Iterable[tuple[Path, Any]]) -> None:
    sizes: dict[tuple[int, int], Path] = {}
    for path, header in members:
        sizes.setdefault((int(header.Rows), int(header.Columns)), path)
    if len(sizes) > 1:
        listed = ", ".join(
            f"{path.name} {rows} x {columns}" for (rows, columns), path in sizes.items()
        )
        raise UnsupportedImageError(where, f"slices of different sizes: {listed}")


def _moment(header: Any) -> tuple[int, str]:
    number = header.get("TemporalPositionIdentifier") or header.get("AcquisitionNumber") or 0
    try:
        return int(number), f"{int(header.get('InstanceNumber') or 0):09d}"
    except (TypeError, ValueError):
        return 0, str(header.get("InstanceNumber"))


def _in_time(where: Path, slices: Sequence[_Slice]) -> Image:
    reader = DicomFormat()
    volumes = [
        reader.read(part.path, None, "colour")
        for part in sorted(slices, key=lambda part: part.moment)
    ]
    first = volumes[0]
    if any(volume.shape != first.shape for volume in volumes):
        raise UnsupportedImageError(
            where, f"volumes of different sizes: {sorted({v.shape for v in volumes})}"
        )
    pixels = np.stack([volume.pixels for volume in volumes])
    return first.with_pixels(pixels, axes="t" + first.axes)


def _in_space(where: Path, slices: Sequence[_Slice]) -> Image:
    ordered = sorted(slices, key=lambda part: part.moment)
    places = [part.place for part in ordered if part.place is not None]
    if len(places) < len(ordered):
        lost = next(part.path.name for part in ordered if part.place is None)
        raise UnsupportedImageError(where, f"{lost} does not say where in the patient it is")
    order = stack_order(places)
    if order is None:
        raise UnsupportedImageError(where, _why_uneven(ordered, places))
    reader = DicomFormat()
    images = [reader.read(ordered[number].path, None, "colour") for number in order.ravel()]
    first = images[0]
    pixels = np.stack([image.pixels for image in images])
    volumes, depth = order.shape
    axes = "z" + first.axes
    if volumes > 1:
        pixels, axes = pixels.reshape(volumes, depth, *first.shape), "t" + axes
    if first.spacing is None:
        return first.with_pixels(pixels, axes=axes)
    if depth == 1:
        # One place again and again: a film, whose axis is time.
        return first.with_pixels(pixels[:, 0], axes=axes.replace("z", ""))
    start, end = places[order[0, 0]], places[order[0, -1]]
    step = (end.position - start.position) / (depth - 1)
    affine = affine_of(start, (first.spacing[0], first.spacing[1]), step)
    return first.with_pixels(
        pixels, axes=axes, affine=affine, spacing=spacing_from_affine(affine, axes)
    )


def _why_uneven(ordered: Sequence[_Slice], places: Sequence[Place]) -> str:
    normal = places[0].normal
    if any(place.normal @ normal < 1 - 1e-4 for place in places):
        return "the slices are not parallel"
    depths = np.array([float(normal @ place.position) for place in places])
    ranks = np.argsort(depths, kind="stable")
    steps = np.diff(depths[ranks])
    odd = int(np.argmax(np.abs(steps - np.median(steps))))
    before, after = ordered[ranks[odd]].path.name, ordered[ranks[odd + 1]].path.name
    return (
        f"slices are missing or repeated: {float(steps[odd]):.3g} mm from {before} to {after}, "
        f"{float(np.median(steps)):.3g} mm between most others"
    )

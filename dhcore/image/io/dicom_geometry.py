"""Where the frames of a DICOM file or series lie: the order of slices, spacing, affine.

DICOM gives each slice the position of its first pixel and the directions of a row and a column, in LPS. Slices are
ordered by the projection of their position on the normal, never by name or instance number. When every place occurs
k > 1 times, there are k volumes in time.

    column x of the affine    row direction * column spacing
    column y                  column direction * row spacing
    column z                  step from slice to slice
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FrameLayout",
    "Place",
    "affine_of",
    "functional_group",
    "layout_of",
    "place_of",
    "stack_order",
]

_LPS_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0, 1.0])
#: Slices closer than this along the normal, in millimetres, are at one place.
_SAME_PLACE: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where one slice is."""

    #: LPS millimetres of the first pixel.
    position: NDArray[np.float64]
    #: Unit vectors along a row and along a column.
    row: NDArray[np.float64]
    column: NDArray[np.float64]

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit vector from slice to slice."""
        return np.cross(self.row, self.column)

    @property
    def depth(self) -> float:
        """Millimetres along the normal."""
        return float(self.normal @ self.position)


@dataclass(frozen=True, slots=True, eq=False)
class FrameLayout:
    """How the frames of one file become an image."""

    frames: int
    #: Axes of the frames and of one frame, as "zyx".
    axes: str
    #: Number of frames along each axis before y.
    counts: tuple[int, ...]
    #: Frame numbers in the order of the image; None keeps that of the file.
    order: NDArray[np.intp] | None
    spacing: tuple[float, ...] | None
    affine: NDArray[np.float64] | None


def layout_of(dataset: Any) -> FrameLayout:
    """The layout of the frames of one file.

    Args:
        dataset: the attributes.

    Frames that lie evenly in space become a volume ("zyx", or "tzyx" when each place occurs several times); a
    film or anything else becomes "tyx".
    """
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    inplane = _inplane_spacing(dataset)
    places = [place_of(dataset, number) for number in range(frames)]
    if frames == 1:
        affine = None
        if places[0] is not None and inplane is not None:
            step = places[0].normal * _slice_step(dataset)
            affine = affine_of(places[0], inplane, step)
        return FrameLayout(1, "yx", (), None, inplane, affine)
    known = [place for place in places if place is not None]
    order = stack_order(known) if len(known) == frames and inplane is not None else None
    if order is None or inplane is None or order.shape[1] == 1:
        return FrameLayout(frames, "tyx", (frames,), None, inplane, None)
    first, last = known[order[0, 0]], known[order[0, -1]]
    step = (last.position - first.position) / (order.shape[1] - 1)
    spacing = (float(np.linalg.norm(step)), *inplane)
    affine = affine_of(first, inplane, step)
    if order.shape[0] == 1:
        return FrameLayout(frames, "zyx", (frames,), order.ravel(), spacing, affine)
    return FrameLayout(
        frames, "tzyx", (order.shape[0], order.shape[1]), order.ravel(), spacing, affine
    )


def place_of(dataset: Any, number: int = 0) -> Place | None:
    """Where one frame lies, or None when the file does not say.

    Args:
        dataset: the attributes.
        number: frame of the file.
    """
    position = functional_group(dataset, number, "PlanePositionSequence") or dataset
    direction = functional_group(dataset, number, "PlaneOrientationSequence") or dataset
    origin = _numbers(position.get("ImagePositionPatient"), 3)
    cosines = _numbers(direction.get("ImageOrientationPatient"), 6)
    if origin is None or cosines is None:
        return None
    row, column = cosines[:3], cosines[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(lengths) < 0.5 or abs(float(row @ column)) > 0.1:
        return None
    return Place(origin, row / lengths[0], column / lengths[1])


def stack_order(places: Sequence[Place], tolerance: float = 0.05) -> NDArray[np.intp] | None:
    """Numbers of the slices as (volumes, slices), or None when they are not parallel and evenly spaced.

    Args:
        places: where the slices are, in the order of time.
        tolerance: how much a step may differ from the median step, relative to it.
    """
    normal = places[0].normal
    if any(place.normal @ normal < 1 - 1e-4 for place in places):
        return None
    depths = np.array([float(normal @ place.position) for place in places])
    ranks = np.argsort(depths, kind="stable")
    groups: list[list[int]] = []
    for number in ranks:
        if groups and depths[number] - depths[groups[-1][0]] < _SAME_PLACE:
            groups[-1].append(int(number))
        else:
            groups.append([int(number)])
    if len({len(group) for group in groups}) != 1:
        return None
    steps = np.diff([depths[group[0]] for group in groups])
    if len(steps) and np.abs(steps - np.median(steps)).max() > tolerance * np.median(steps):
        return None
    return np.array([sorted(group) for group in groups], dtype=np.intp).T


def affine_of(
    place: Place, inplane: tuple[float, float], step: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Indices (x, y, z, 1) to RAS millimetres.

    Args:
        place: of the first slice.
        inplane: millimetres between rows, between columns.
        step: LPS millimetres from slice to slice.
    """
    affine = np.eye(4)
    affine[:3, 0] = place.row * inplane[1]
    affine[:3, 1] = place.column * inplane[0]
    affine[:3, 2] = step
    affine[:3, 3] = place.position
    return np.asarray(_LPS_TO_RAS @ affine)


def functional_group(dataset: Any, number: int, keyword: str) -> Any:
    """An item of an enhanced file that belongs to one frame or to all of them; None when there is none.

    Args:
        dataset: the attributes.
        number: frame of the file.
        keyword: of the sequence, as PixelMeasuresSequence.
    """
    own = dataset.get("PerFrameFunctionalGroupsSequence")
    shared = dataset.get("SharedFunctionalGroupsSequence")
    for groups, index in ((own, number), (shared, 0)):
        if groups and index < len(groups):
            found = groups[index].get(keyword)
            if found:
                return found[0]
    return None


def _inplane_spacing(dataset: Any) -> tuple[float, float] | None:
    measures = functional_group(dataset, 0, "PixelMeasuresSequence") or dataset
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        found = _numbers(measures.get(keyword), 2)
        if found is not None and (found > 0).all():
            return float(found[0]), float(found[1])
    return None


def _slice_step(dataset: Any) -> float:
    measures = functional_group(dataset, 0, "PixelMeasuresSequence") or dataset
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        found = _numbers([measures.get(keyword)], 1)
        if found is not None and found[0] > 0:
            return float(found[0])
    return 1.0


def _numbers(values: Any, count: int) -> NDArray[np.float64] | None:
    try:
        array = np.array([float(value) for value in values], dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return array if array.shape == (count,) and np.isfinite(array).all() else None

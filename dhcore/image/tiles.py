"""Large images in pieces, and the pieces together again.

positions along an axis of 10, tiles of 4, stride 3:   0..3  3..6  6..9
with padding                                          every tile is full; what lies outside is border
without                                               the last tile moves back so that it ends with the image
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dhcore.image.errors import AxesError
from dhcore.image.geometry import Border, crop, pad
from dhcore.image.image import Image
from dhcore.image.resize import cast

__all__ = ["Blending", "Tile", "stitch", "tile"]

#: How overlapping tiles are put together: the last wins, the plain mean, or a mean weighted towards tile centres.
Blending = Literal["last", "mean", "weighted"]


@dataclass(frozen=True, slots=True)
class Tile:
    """A piece of an image and where it was."""

    #: The piece itself.
    image: Image
    #: Index of its first pixel in the whole image, for each spatial axis; may be beyond the edge when padded.
    position: tuple[int, ...]


def tile(
    image: Image,
    size: tuple[int, ...],
    *,
    overlap: tuple[int, ...] | int = 0,
    padding: Border | None = None,
    fill: float = 0.0,
) -> list[Tile]:
    """Cut an image into tiles of one size that cover it, row by row.

    Args:
        image: any image.
        size: pixels of a tile along every spatial axis.
        overlap: pixels that neighbours share; the stride is `size - overlap`.
        padding: what fills the last tiles beyond the edge. None moves them back inside instead; an image smaller than a
            tile is then an error.
        fill: the value for the padding `constant`.

    Raises:
        AxesError: the tile is larger than the image and there is no padding, or the overlap is not below the size.

    >>> import numpy as np
    >>> [t.position for t in tile(Image(np.zeros((4, 10)), "yx"), (4, 4), overlap=(0, 1))]
    [(0, 0), (0, 3), (0, 6)]
    """
    axes = image.spatial_axes
    shared = (overlap,) * len(axes) if isinstance(overlap, int) else overlap
    if len(size) != len(axes) or len(shared) != len(axes):
        raise AxesError(
            f"Expected a size and an overlap for the axes {axes!r}, got {size!r} and {overlap!r}."
        )
    if any(not 0 <= common < count for common, count in zip(shared, size, strict=True)):
        raise AxesError(f"Expected 0 <= overlap < size, got overlap {shared!r} and size {size!r}.")
    counts = tuple(image.size.values())
    if padding is None and any(count < wanted for count, wanted in zip(counts, size, strict=True)):
        raise AxesError(
            f"A tile of {size!r} is larger than the image {counts!r}; choose a padding or a smaller tile."
        )
    starts = [
        _starts(n, w, w - o, inside=padding is None)
        for n, w, o in zip(counts, size, shared, strict=True)
    ]
    if padding is not None:
        excess = tuple(max(0, s[-1] + w - n) for s, w, n in zip(starts, size, counts, strict=True))
        image = pad(image, (0,) * len(axes), excess, border=padding, fill=fill)
    return [Tile(crop(image, position, size), position) for position in product(*starts)]


def stitch(
    tiles: Sequence[Image],
    positions: Sequence[tuple[int, ...]],
    size: tuple[int, ...],
    *,
    blending: Blending = "weighted",
) -> Image:
    """Put tiles together; without overlap the exact inverse of `tile`.

    Args:
        tiles: images of one shape, axes and element type; or what a network made of them, one tile each.
        positions: index of the first pixel of each tile.
        size: pixels of the whole along every spatial axis; what a tile has beyond is dropped.
        blending: `weighted` falls off linearly towards the edge of a tile, so that seams do not show.

    Raises:
        AxesError: tiles that do not belong together, or pixels that no tile covers.

    >>> import numpy as np
    >>> image = Image(np.arange(40.0).reshape(4, 10), "yx")
    >>> pieces = tile(image, (3, 3), padding="constant")
    >>> whole = stitch([p.image for p in pieces], [p.position for p in pieces], (4, 10))
    >>> np.array_equal(whole.pixels, image.pixels)
    True
    """
    first = _checked_tiles(tiles, positions, size, blending)
    shape = [
        dict(zip(first.spatial_axes, size, strict=True)).get(a, n)
        for a, n in zip(first.axes, first.shape, strict=True)
    ]
    if blending == "last":
        return _place_last(tiles, positions, first, shape)
    exact = first.dtype.itemsize <= 2 or first.dtype == np.float32
    total: NDArray[Any] = np.zeros(shape, np.float64 if not exact else np.float32)
    weight: NDArray[Any] = np.zeros(
        [n if a in first.spatial_axes else 1 for a, n in zip(first.axes, shape, strict=True)],
        total.dtype,
    )
    part_weight = _tile_weight(first, blending).astype(total.dtype)
    alone = _place_last(tiles, positions, first, shape).pixels
    covered = np.zeros(weight.shape, np.int32)
    for part, position in zip(tiles, positions, strict=True):
        inside, outside = _window(first, position, shape)
        total[inside] += part.pixels[outside] * part_weight[_spatial_only(first, outside)]
        weight[_spatial_only(first, inside)] += part_weight[_spatial_only(first, outside)]
        covered[_spatial_only(first, inside)] += 1
    # A pixel of one tile keeps its bits; dividing by its own weight would round.
    blended = np.where(covered == 1, alone, cast(total / weight, first.dtype))
    return Image(blended, first.axes, first.colour, metadata=first.metadata)


def _starts(count: int, size: int, stride: int, *, inside: bool) -> list[int]:
    starts = list(range(0, max(count - size, 0) + stride, stride))
    starts = [start for i, start in enumerate(starts) if i == 0 or starts[i - 1] + size < count]
    if inside:
        starts[-1] = min(starts[-1], count - size)
    return starts


def _checked_tiles(
    tiles: Sequence[Image],
    positions: Sequence[tuple[int, ...]],
    size: tuple[int, ...],
    blending: str,
) -> Image:
    if blending not in get_args(Blending):
        raise AxesError(f"Expected a blending out of {get_args(Blending)}, got {blending!r}.")
    if not tiles or len(tiles) != len(positions):
        raise AxesError(
            f"Expected one position for each tile and at least one, got {len(tiles)} and {len(positions)}."
        )
    first = tiles[0]
    for place, part in enumerate(tiles):
        if (part.shape, part.axes, part.dtype) != (first.shape, first.axes, first.dtype):
            raise AxesError(
                f"Tiles have to be alike: the first is {first!r}, number {place} is {part!r}."
            )
    lengths = {len(position) for position in positions} | {len(size)}
    if lengths != {len(first.spatial_axes)}:
        raise AxesError(
            f"Positions and size need one number for each of the axes {first.spatial_axes!r}, got {size!r}."
        )
    _check_covered(first, positions, size)
    return first


def _check_covered(
    first: Image, positions: Sequence[tuple[int, ...]], size: tuple[int, ...]
) -> None:
    covered = np.zeros(size, dtype=bool)
    counts = first.size.values()
    for position in positions:
        if any(low < 0 or low >= n for low, n in zip(position, size, strict=True)):
            raise AxesError(f"A tile at {position!r} begins outside of an image of {size!r}.")
        covered[
            tuple(slice(low, low + count) for low, count in zip(position, counts, strict=True))
        ] = True
    if not covered.all():
        missing = tuple(int(i) for i in np.argwhere(~covered)[0])
        raise AxesError(
            f"No tile covers the pixel {missing}; {int((~covered).sum())} pixels of {size!r} are missing."
        )


def _window(
    first: Image, position: tuple[int, ...], shape: Sequence[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    begin = dict(zip(first.spatial_axes, position, strict=True))
    inside, outside = [], []
    for letter, whole, part in zip(first.axes, shape, first.shape, strict=True):
        low = begin.get(letter, 0)
        high = min(low + part, whole)
        inside.append(slice(low, high))
        outside.append(slice(0, high - low))
    return tuple(inside), tuple(outside)


def _spatial_only(first: Image, index: tuple[slice, ...]) -> tuple[slice, ...]:
    return tuple(
        part if letter in first.spatial_axes else slice(None)
        for letter, part in zip(first.axes, index, strict=True)
    )


def _tile_weight(first: Image, blending: str) -> NDArray[Any]:
    weight = np.ones([1] * len(first.axes))
    if blending == "mean":
        return np.broadcast_to(
            weight,
            [
                n if a in first.spatial_axes else 1
                for a, n in zip(first.axes, first.shape, strict=True)
            ],
        )
    for place, letter in enumerate(first.axes):
        if letter in first.spatial_axes:
            count = first.shape[place]
            ramp = np.minimum(np.arange(count) + 1, count - np.arange(count)) / ((count + 1) // 2)
            weight = weight * ramp.reshape(
                [-1 if other == place else 1 for other in range(len(first.axes))]
            )
    return weight


def _place_last(
    tiles: Sequence[Image], positions: Sequence[tuple[int, ...]], first: Image, shape: Sequence[int]
) -> Image:
    pixels = np.empty(shape, first.dtype)
    for part, position in zip(tiles, positions, strict=True):
        inside, outside = _window(first, position, shape)
        pixels[inside] = part.pixels[outside]
    return Image(pixels, first.axes, first.colour, metadata=first.metadata)

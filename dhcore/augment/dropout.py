"""Holes in the picture, so that a network does not lean on one spot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from dhcore.augment.draw import Draw, check_probability, check_range, uniform
from dhcore.augment.errors import AugmentationError
from dhcore.image import Image

__all__ = ["CoarseDropout"]


@final
@dataclass(frozen=True, slots=True)
class CoarseDropout:
    """Fill boxes of a grid, each with a chance of its own.

    Args:
        fraction: chance of a box, drawn once for a picture.
        size: edge of a box as a fraction of the edge of the picture, within 0..1.
        fill: the value in a hole.
        probability: chance that anything happens.

    >>> CoarseDropout(fraction=(0.05, 0.1), size=0.1)
    CoarseDropout(fraction=(0.05, 0.1), size=0.1, fill=0.0, probability=1.0)
    """

    fraction: tuple[float, float] = (0.02, 0.1)
    size: float = 0.1
    fill: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("fraction", self.fraction, lowest=0.0)
        if not 0 < self.size <= 1:
            raise AugmentationError(
                f"Expected 0 < size <= 1, a fraction of the picture, got {self.size!r}."
            )

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether and where.

        Args:
            random: where chance comes from.
            image: gives the size.
        """
        happens, fraction = random.random() < self.probability, uniform(random, self.fraction)
        if not happens:
            return None
        counts = list(image.size.values())
        edges = [max(1, round(count * self.size)) for count in counts]
        grid = (
            random.random([-(-count // edge) for count, edge in zip(counts, edges, strict=True)])
            < fraction
        )
        for axis, edge in enumerate(edges):
            grid = np.repeat(grid, edge, axis=axis)
        return _Holes(grid[tuple(slice(count) for count in counts)], self.fill)


@dataclass(frozen=True, slots=True, eq=False)
class _Holes:
    holes: NDArray[np.bool_]
    fill: float

    def on_image(self, image: Image) -> Image:
        shape = [
            count if letter in image.spatial_axes else 1
            for letter, count in zip(image.axes, image.shape, strict=True)
        ]
        fill: Any = np.asarray(self.fill).astype(image.dtype)
        return image.with_pixels(np.where(self.holes.reshape(shape), fill, image.pixels))

    def on_mask(self, mask: Image) -> Image:
        return mask

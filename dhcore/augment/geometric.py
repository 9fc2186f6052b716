"""Changes of place: flips, turns, rotations, scales, shifts, crops."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from dhcore.augment.draw import (
    Affine,
    Draw,
    Everywhere,
    check_border,
    check_probability,
    check_range,
    check_size,
    uniform,
)
from dhcore.augment.errors import AugmentationError
from dhcore.image import Border, Image, crop, flip, pad, rotate90
from dhcore.image.geometry import rotation_matrix

__all__ = ["Flip", "RandomCrop", "Rotate", "Scale", "Shift", "Turn90"]


@final
@dataclass(frozen=True, slots=True)
class Flip:
    """Mirror along an axis: x left and right, y top and bottom, z.

    >>> Flip(axis="y")
    Flip(axis='y', probability=0.5)
    """

    axis: str = "x"
    probability: float = 0.5

    def __post_init__(self) -> None:
        check_probability(self.probability)
        if self.axis not in {"x", "y", "z"}:
            raise AugmentationError(f"Expected an axis x, y or z, got {self.axis!r}.")

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:  # noqa: ARG002  # part of Transform
        """Decide whether.

        Args:
            random: where chance comes from.
            image: not used.
        """
        if random.random() >= self.probability:
            return None
        return Everywhere(partial(flip, axis=self.axis))


@final
@dataclass(frozen=True, slots=True)
class Turn90:
    """Turn by one, two or three quarters, exactly; a picture that is not square keeps its size and turns by a half.

    >>> Turn90()
    Turn90(plane='yx', probability=0.75)
    """

    plane: str = "yx"
    probability: float = 0.75

    def __post_init__(self) -> None:
        check_probability(self.probability)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether and how far.

        Args:
            random: where chance comes from.
            image: gives the size.
        """
        happens = random.random() < self.probability
        turns = int(random.integers(1, 4))
        if not happens:
            return None
        if image.count(self.plane[0]) != image.count(self.plane[1]):
            turns = 2
        return Everywhere(partial(rotate90, turns=turns, plane=self.plane))


@final
@dataclass(frozen=True, slots=True)
class Rotate:
    """Rotate about the centre by an angle within a range.

    >>> Rotate(degrees=(-15, 15), border="reflect")
    Rotate(degrees=(-15, 15), plane='yx', border='reflect', fill=0.0, probability=1.0)
    """

    degrees: tuple[float, float] = (-180.0, 180.0)
    plane: str = "yx"
    border: Border = "constant"
    fill: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("degrees", self.degrees)
        check_border(self.border)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether and how far.

        Args:
            random: where chance comes from.
            image: gives the centre.
        """
        happens, angle = random.random() < self.probability, uniform(random, self.degrees)
        if not happens:
            return None
        return Affine(rotation_matrix(image, angle, plane=self.plane), self.border, self.fill)


@final
@dataclass(frozen=True, slots=True)
class Scale:
    """Enlarge or shrink about the centre; the number of pixels stays.

    >>> Scale(factor=(0.8, 1.25))
    Scale(factor=(0.8, 1.25), border='constant', fill=0.0, probability=1.0)
    """

    factor: tuple[float, float] = (0.9, 1.1)
    border: Border = "constant"
    fill: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("factor", self.factor, lowest=1e-3)
        check_border(self.border)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether and how much.

        Args:
            random: where chance comes from.
            image: gives the centre.
        """
        happens, factor = random.random() < self.probability, uniform(random, self.factor)
        if not happens:
            return None
        centre = (np.array(list(image.size.values())) - 1) / 2
        matrix = np.diag([1 / factor] * len(centre) + [1.0])
        matrix[:-1, -1] = centre - centre / factor
        return Affine(matrix, self.border, self.fill)


@final
@dataclass(frozen=True, slots=True)
class Shift:
    """Move by a fraction of the size, drawn for each axis.

    >>> Shift(fraction=(-0.1, 0.1))
    Shift(fraction=(-0.1, 0.1), border='constant', fill=0.0, probability=1.0)
    """

    fraction: tuple[float, float] = (-0.1, 0.1)
    border: Border = "constant"
    fill: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("fraction", self.fraction)
        check_border(self.border)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether and how far.

        Args:
            random: where chance comes from.
            image: gives the size.
        """
        happens = random.random() < self.probability
        counts = list(image.size.values())
        steps = [uniform(random, self.fraction) * count for count in counts]
        if not happens:
            return None
        matrix = np.eye(len(counts) + 1)
        matrix[:-1, -1] = [-step for step in steps]
        return Affine(matrix, self.border, self.fill)


@final
@dataclass(frozen=True, slots=True)
class RandomCrop:
    """Cut out a box of a size at a random place; what is smaller is padded first.

    >>> RandomCrop(size=(224, 224))
    RandomCrop(size=(224, 224), border='constant', fill=0.0)
    """

    size: tuple[int, ...]
    border: Border = "constant"
    fill: float = 0.0

    def __post_init__(self) -> None:
        check_size(self.size)
        check_border(self.border)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide where.

        Args:
            random: where chance comes from.
            image: gives the size.
        """
        axes = image.spatial_axes[-len(self.size) :]
        if len(axes) < len(self.size):
            raise AugmentationError(
                f"Expected up to {len(axes)} sizes for {image!r}, got {self.size!r}."
            )
        lacking = [
            max(0, wanted - image.count(a)) for a, wanted in zip(axes, self.size, strict=True)
        ]
        before = tuple(missing // 2 for missing in lacking)
        after = tuple(missing - first for missing, first in zip(lacking, before, strict=True))
        room = [
            image.count(a) + more - n for a, more, n in zip(axes, lacking, self.size, strict=True)
        ]
        begin = tuple(int(random.integers(0, free + 1)) for free in room)
        return _Cut(begin, self.size, before, after, self.border, self.fill)


@dataclass(frozen=True, slots=True)
class _Cut:
    begin: tuple[int, ...]
    size: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    border: Border
    fill: float

    def on_image(self, image: Image) -> Image:
        return self._cut(image, self.fill)

    def on_mask(self, mask: Image) -> Image:
        return self._cut(mask, 0.0)

    def _cut(self, image: Image, fill: float) -> Image:
        if any(self.before) or any(self.after):
            image = pad(image, self.before, self.after, border=self.border, fill=fill)
        return crop(image, self.begin, self.size)

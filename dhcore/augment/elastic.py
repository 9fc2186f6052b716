"""Elastic deformation, as of tissue under a cover slip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dhcore.augment.draw import Draw, check_border, check_probability, check_range, uniform
from dhcore.augment.errors import AugmentationError
from dhcore.image import Border, Image, warp

__all__ = ["Elastic"]


@final
@dataclass(frozen=True, slots=True)
class Elastic:
    """Move every pixel by a smooth random field (Simard, Steinkraus and Platt 2003).

    White noise is smoothed by a Gaussian of `smoothness` pixels and scaled so that its standard deviation is a number
    of pixels within `displacement`.

    >>> Elastic(displacement=(0, 4), smoothness=10)
    Elastic(displacement=(0, 4), smoothness=10, border='reflect', fill=0.0, probability=1.0)
    """

    displacement: tuple[float, float] = (1.0, 3.0)
    smoothness: float = 8.0
    border: Border = "reflect"
    fill: float = 0.0
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("displacement", self.displacement, lowest=0.0)
        check_border(self.border)
        if self.smoothness <= 0:
            raise AugmentationError(
                f"Expected a positive smoothness in pixels, got {self.smoothness!r}."
            )

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether, how much and where to.

        Args:
            random: where chance comes from.
            image: gives the size.
        """
        happens, amount = random.random() < self.probability, uniform(random, self.displacement)
        if not happens:
            return None
        counts = tuple(image.size.values())
        noise = random.standard_normal((len(counts), *counts), dtype=np.float32)
        sigma = (0.0,) + (self.smoothness,) * len(counts)
        field = ndimage.gaussian_filter(noise, sigma, mode="reflect", truncate=3.0)
        spread = float(field.std())
        field *= amount / spread if spread > 0 else 0.0
        return _Deformation(field, self.border, self.fill)


@dataclass(frozen=True, slots=True, eq=False)
class _Deformation:
    field: NDArray[Any]
    border: Border
    fill: float

    def on_image(self, image: Image) -> Image:
        return warp(
            image,
            np.eye(len(self.field) + 1),
            displacement=self.field,
            border=self.border,
            fill=self.fill,
        )

    def on_mask(self, mask: Image) -> Image:
        return warp(
            mask,
            np.eye(len(self.field) + 1),
            displacement=self.field,
            interpolation="nearest",
            border=self.border,
        )

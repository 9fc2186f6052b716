"""Changes of colour, as between cameras, scanners and staining batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from dhcore.augment.draw import Draw, Values, check_probability, check_range, uniform
from dhcore.augment.errors import AugmentationError
from dhcore.image import Image

__all__ = ["ColourJitter"]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@final
@dataclass(frozen=True, slots=True)
class ColourJitter:
    """Change brightness, contrast and saturation by factors, and the hue by a fraction of a full turn.

    Applied in this order: `b v`, then about the mean grey, then about the grey of each pixel, then a rotation of the
    colours about the grey axis. A grey image raises AugmentationError.

    >>> ColourJitter(hue=(-0.02, 0.02)).saturation
    (0.8, 1.2)
    """

    brightness: tuple[float, float] = (0.8, 1.2)
    contrast: tuple[float, float] = (0.8, 1.2)
    saturation: tuple[float, float] = (0.8, 1.2)
    hue: tuple[float, float] = (-0.05, 0.05)
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        for name in ("brightness", "contrast", "saturation"):
            check_range(name, getattr(self, name), lowest=0.0)
        check_range("hue", self.hue)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether and how much.

        Args:
            random: where chance comes from.
            image: has to be coloured.

        Raises:
            AugmentationError: it is not.
        """
        if image.colour not in {"rgb", "rgba"} or image.axes[-1] != "c":
            raise AugmentationError(
                f"ColourJitter needs rgb pixels with the colours last, got {image!r}."
            )
        happens = random.random() < self.probability
        amounts = [
            uniform(random, r) for r in (self.brightness, self.contrast, self.saturation, self.hue)
        ]
        return Values(_Jitter(*amounts)) if happens else None


@dataclass(frozen=True, slots=True)
class _Jitter:
    brightness: float
    contrast: float
    saturation: float
    hue: float

    def __call__(self, rgb: NDArray[Any]) -> NDArray[Any]:
        values: NDArray[Any] = rgb * np.float32(self.brightness)
        mean = np.float32((values @ _LUMA).mean(dtype=np.float64))
        values = mean + np.float32(self.contrast) * (values - mean)
        grey = (values @ _LUMA)[..., None]
        values = grey + np.float32(self.saturation) * (values - grey)
        return values @ _hue_rotation(self.hue).T


def _hue_rotation(turns: float) -> NDArray[np.float32]:
    """Rotation about (1, 1, 1) by Rodrigues' formula; grey stays grey."""
    angle = 2 * np.pi * turns
    cosine, sine = np.cos(angle), np.sin(angle) / np.sqrt(3)
    matrix: NDArray[Any] = np.full((3, 3), (1 - cosine) / 3) + cosine * np.eye(3)
    matrix += sine * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return matrix.astype(np.float32)

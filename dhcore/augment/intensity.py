"""Changes of value: brightness, contrast, gamma, noise, blur. Amounts are relative to the range of the values.

The range is 0..255 for 8-bit pixels, and from the smallest to the largest value of the picture for all others, so that
the same numbers suit photographs, Hounsfield units and normalised images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dhcore.augment.draw import Draw, Values, check_probability, check_range, uniform
from dhcore.image import Image, cast

__all__ = ["Brightness", "Contrast", "Gamma", "GaussianBlur", "GaussianNoise"]


@final
@dataclass(frozen=True, slots=True)
class Brightness:
    """Add a fraction of the range: `v + shift * range`.

    >>> Brightness(shift=(-0.1, 0.1))
    Brightness(shift=(-0.1, 0.1), probability=1.0)
    """

    shift: tuple[float, float] = (-0.2, 0.2)
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("shift", self.shift)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether and how much.

        Args:
            random: where chance comes from.
            image: gives the range.
        """
        happens, shift = random.random() < self.probability, uniform(random, self.shift)
        low, high = _range(image)
        return Values(partial(np.add, np.float32(shift * (high - low)))) if happens else None


@final
@dataclass(frozen=True, slots=True)
class Contrast:
    """Stretch about the mean: `mean + factor (v - mean)`.

    >>> Contrast(factor=(0.5, 1.5))
    Contrast(factor=(0.5, 1.5), probability=1.0)
    """

    factor: tuple[float, float] = (0.8, 1.2)
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("factor", self.factor, lowest=0.0)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:  # noqa: ARG002  # part of Transform
        """Decide whether and how much.

        Args:
            random: where chance comes from.
            image: not used.
        """
        happens, factor = random.random() < self.probability, uniform(random, self.factor)
        return Values(partial(_stretch, factor=factor)) if happens else None


@final
@dataclass(frozen=True, slots=True)
class Gamma:
    """Bend the range: `low + range ((v - low) / range) ^ gamma`; above one darkens.

    >>> Gamma(gamma=(0.7, 1.4))
    Gamma(gamma=(0.7, 1.4), probability=1.0)
    """

    gamma: tuple[float, float] = (0.8, 1.25)
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("gamma", self.gamma, lowest=1e-3)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether and how much.

        Args:
            random: where chance comes from.
            image: gives the range.
        """
        happens, gamma = random.random() < self.probability, uniform(random, self.gamma)
        low, high = _range(image)
        return (
            Values(partial(_bend, low=low, high=high, gamma=gamma))
            if happens and high > low
            else None
        )


@final
@dataclass(frozen=True, slots=True)
class GaussianNoise:
    """Add independent normal noise to every value; its standard deviation is a fraction of the range.

    >>> GaussianNoise(deviation=(0, 0.05))
    GaussianNoise(deviation=(0, 0.05), probability=1.0)
    """

    deviation: tuple[float, float] = (0.0, 0.05)
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("deviation", self.deviation, lowest=0.0)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether and how much.

        Args:
            random: where chance comes from.
            image: gives range and size.
        """
        happens, deviation = random.random() < self.probability, uniform(random, self.deviation)
        low, high = _range(image)
        if not happens:
            return None
        seed = int(random.integers(2**63))
        return Values(partial(_noisy, deviation=deviation * (high - low), seed=seed))


@final
@dataclass(frozen=True, slots=True)
class GaussianBlur:
    """Smooth by a Gaussian whose standard deviation is a number of pixels.

    >>> GaussianBlur(sigma=(0, 1.5))
    GaussianBlur(sigma=(0, 1.5), probability=1.0)
    """

    sigma: tuple[float, float] = (0.0, 1.5)
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        check_range("sigma", self.sigma, lowest=0.0)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:  # noqa: ARG002  # part of Transform
        """Decide whether and how much.

        Args:
            random: where chance comes from.
            image: not used.
        """
        happens, sigma = random.random() < self.probability, uniform(random, self.sigma)
        return _Blur(sigma) if happens else None


@dataclass(frozen=True, slots=True)
class _Blur:
    sigma: float

    def on_image(self, image: Image) -> Image:
        sigmas = [self.sigma if letter in image.spatial_axes else 0.0 for letter in image.axes]
        smooth = ndimage.gaussian_filter(image.pixels.astype(np.float32), sigmas, mode="mirror")
        return image.with_pixels(cast(smooth, image.dtype))

    def on_mask(self, mask: Image) -> Image:
        return mask


def _range(image: Image) -> tuple[float, float]:
    if image.dtype == np.uint8:
        return 0.0, 255.0
    return float(image.pixels.min()), float(image.pixels.max())


def _stretch(values: NDArray[Any], factor: float) -> NDArray[Any]:
    mean = np.float32(values.mean(dtype=np.float64))
    stretched: NDArray[Any] = mean + np.float32(factor) * (values - mean)
    return stretched


def _bend(values: NDArray[Any], low: float, high: float, gamma: float) -> NDArray[Any]:
    unit = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    bent: NDArray[Any] = np.float32(low) + np.float32(high - low) * unit ** np.float32(gamma)
    return bent


def _noisy(values: NDArray[Any], deviation: float, seed: int) -> NDArray[Any]:
    noise = np.random.Generator(np.random.Philox(seed)).standard_normal(
        values.shape, dtype=np.float32
    )
    noisy: NDArray[Any] = values + noise * np.float32(deviation)
    return noisy

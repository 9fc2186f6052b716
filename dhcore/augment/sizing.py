"""Sizes, so that a pipeline text can hold all that happens to a picture; nothing here is random."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import final, get_args

import numpy as np

from dhcore.augment.draw import Draw, Everywhere, check_size
from dhcore.augment.errors import AugmentationError
from dhcore.image import Image, Interpolation, centre_crop, resize

__all__ = ["CentreCrop", "Resize"]


@final
@dataclass(frozen=True, slots=True)
class CentreCrop:
    """Cut out the middle; the largest square or cube when no size is given.

    >>> CentreCrop((224, 224))
    CentreCrop(size=(224, 224))
    """

    size: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.size is not None:
            check_size(self.size)

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:  # noqa: ARG002  # part of Transform
        """The crop.

        Args:
            random: not used.
            image: not used.
        """
        return Everywhere(partial(centre_crop, size=self.size))


@final
@dataclass(frozen=True, slots=True)
class Resize:
    """Resample to a size; the mask with nearest neighbours.

    >>> Resize((192, 192))
    Resize(size=(192, 192), interpolation='linear')
    """

    size: tuple[int, ...]
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        check_size(self.size)
        if self.interpolation not in get_args(Interpolation):
            raise AugmentationError(
                f"Expected an interpolation out of {get_args(Interpolation)}, got {self.interpolation!r}."
            )

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:  # noqa: ARG002  # part of Transform
        """The resampling.

        Args:
            random: not used.
            image: not used.
        """
        return _Resampling(self.size, self.interpolation)


@dataclass(frozen=True, slots=True)
class _Resampling:
    size: tuple[int, ...]
    interpolation: Interpolation

    def on_image(self, image: Image) -> Image:
        return resize(image, self.size, interpolation=self.interpolation)

    def on_mask(self, mask: Image) -> Image:
        return resize(mask, self.size, interpolation="nearest")

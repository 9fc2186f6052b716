"""What is done to every image before a network sees it, and how one file becomes samples.

::

    file ── read ── convert ── resize or tile ── normalise ── float32 (samples, channels, y, x)
    mask ── read ─────────────── the same places ── classes ── uint8 (samples, y, x)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, final

import numpy as np
import numpy.typing as npt

from dhcore import image
from dhcore.errors import DhcoreError
from dhtask.errors import ConfigurationError
from dhtask.pipeline.errors import BadFileError

Array = npt.NDArray[Any]
T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """What is done to every image: colour model, size, intensities.

    Raises:
        ConfigurationError: both ``size`` and ``tile`` are given.

    Example:
        >>> Recipe(tile=(64, 64), overlap=16).colour
        'rgb'
    """

    colour: Literal["gray", "rgb"] = "rgb"
    #: Height and width that every image is brought to; ``None`` leaves them as they are.
    size: tuple[int, int] | None = None
    #: Height and width of the tiles that every image is cut into; ``None`` takes it whole.
    tile: tuple[int, int] | None = None
    #: Pixels that neighbouring tiles share.
    overlap: int = 0
    #: Subtracted from every channel after scaling to 0..1; augmentations of intensity expect 0 ...
    mean: float = 0.0
    #: ... and what the difference is divided by; they expect 1.
    deviation: float = 1.0

    def __post_init__(self) -> None:
        if self.size is not None and self.tile is not None:
            raise ConfigurationError(
                f"expected a size or a tile, found size {self.size!r} and tile {self.tile!r}"
            )

    def images(self, picture: image.Image) -> Array:
        """Samples of one picture: float32 (samples, channels, height, width)."""
        fitting = image.convert(picture, self.colour)
        scale = float(np.iinfo(fitting.dtype).max) if fitting.dtype.kind in "iu" else 1.0
        return np.stack(
            [
                (part.channels_first(np.float32) / np.float32(scale) - np.float32(self.mean))
                / np.float32(self.deviation)
                for part in self._parts(fitting, "linear")
            ]
        )

    def masks(self, mask: image.Image) -> Array:
        """Classes of one mask at the same places: uint8 (samples, height, width)."""
        return np.stack([part.pixels for part in self._parts(mask, "nearest")])

    def _parts(self, picture: image.Image, interpolation: image.Interpolation) -> list[image.Image]:
        if self.size is not None:
            return [image.resize(picture, self.size, interpolation=interpolation)]
        if self.tile is not None:
            return [piece.image for piece in image.tile(picture, self.tile, overlap=self.overlap)]
        return [picture]


@final
@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a dataset."""

    #: The image file.
    location: str
    #: The mask file of a segmentation, or the class of a classification.
    label: str | int


@final
@dataclass(frozen=True, slots=True)
class Samples:
    """What a file gave."""

    #: float32 (samples, channels, height, width).
    images: Array
    #: uint8 (samples, height, width), or (samples,) for a classification.
    targets: Array


def read_item(item: Item, recipe: Recipe, classes: int) -> Samples:
    """Read an image with its label and make samples of them.

    Args:
        item: where they are.
        recipe: what is done to them.
        classes: number of classes; a mask of two classes may hold any two values, the larger is class 1.

    Raises:
        BadFileError: a file cannot be read, or the mask does not fit the image.
    """
    picture = _read(item.location)
    if isinstance(item.label, int):
        images = _made(item.location, lambda: recipe.images(picture))
        return Samples(images, np.full(len(images), item.label, np.uint8))
    mask = _classes(item.label, image.grayscale(_read(item.label)), classes)
    if not picture.same_geometry(mask):
        raise BadFileError(
            item.label,
            f"a mask of {_size(mask)} for an image of {_size(picture)} ({item.location}); "
            "they must have the same size",
        )
    return Samples(
        _made(item.location, lambda: recipe.images(picture)),
        _made(item.label, lambda: recipe.masks(mask)),
    )


def _read(location: str) -> image.Image:
    return _made(location, lambda: image.read(Path(location)))


def _made(location: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except (DhcoreError, OSError) as error:
        problem = str(error).removeprefix(f"{location}: ")
        raise BadFileError(location, problem) from error


def _size(picture: image.Image) -> str:
    return "x".join(str(count) for count in picture.size.values())


def _classes(location: str, mask: image.Image, classes: int) -> image.Image:
    values = np.unique(mask.pixels)
    if values.size and values[0] >= 0 and values[-1] < classes:
        return mask.with_pixels(mask.pixels.astype(np.uint8))
    if classes == 2 and values.size <= 2:
        return mask.with_pixels((mask.pixels == values[-1]).astype(np.uint8))
    raise BadFileError(
        location,
        f"a mask of {classes} classes holds the numbers 0 to {classes - 1}, found "
        f"{values[:8].tolist()}{' ...' if values.size > 8 else ''}",
    )

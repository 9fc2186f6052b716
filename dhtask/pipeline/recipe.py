"""What is done to every image before a network sees it, and how one entry of a dataset becomes samples.

::

    picture ── read ── convert ── resize or tile ── normalise ── float32 (samples, channels, y, x)
    mask ───── read ───────────── the same places ── classes ─── uint8 (samples, y, x)
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from dhcore import image
from dhcore.data import Dataset, Problem, SampleError, load_sample
from dhtask.errors import ConfigurationError

Array = npt.NDArray[Any]


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

    def pieces(self, picture: image.Image) -> list[image.Tile]:
        """The picture in tiles, or whole.

        Args:
            picture: already of the recipe's colour and size.

        Raises:
            AxesError: a tile is larger than the picture.
        """
        if self.tile is None:
            return [image.Tile(picture, (0,) * len(picture.spatial_axes))]
        return image.tile(picture, self.tile, overlap=self.overlap)

    def normalised(self, picture: image.Image) -> Array:
        """Pixels as a network takes them: float32 (channels, height, width).

        Args:
            picture: integers of any width, or floating point in 0..1.

        Example:
            >>> white = image.Image(np.full((1, 2), 255, np.uint8), "yx")
            >>> Recipe(mean=0.5, deviation=0.25).normalised(white).tolist()
            [[[2.0, 2.0]]]
        """
        scale = float(np.iinfo(picture.dtype).max) if picture.dtype.kind in "iu" else 1.0
        scaled = picture.channels_first(np.float32) / np.float32(scale)
        return np.asarray((scaled - np.float32(self.mean)) / np.float32(self.deviation))


@final
@dataclass(frozen=True, slots=True)
class Made:
    """What one entry of a dataset gave."""

    #: float32 (samples, channels, height, width).
    images: Array
    #: uint8 (samples, height, width), or (samples,) for a classification.
    targets: Array


def make_samples(dataset: Dataset, index: int, recipe: Recipe, classes: int) -> Made:
    """Read an entry of a dataset and make samples of it.

    Args:
        dataset: where it is from.
        index: which one.
        recipe: what is done to it.
        classes: number of classes; a mask of two classes may hold any two values, the larger is class 1.

    Raises:
        SampleError: a file cannot be read, the mask does not fit the picture, or there is no label.
    """
    loaded = load_sample(dataset, index, colour=recipe.colour, size=recipe.size)
    try:
        images = np.stack([recipe.normalised(piece.image) for piece in recipe.pieces(loaded.image)])
        if loaded.mask is None:
            target = _one_class(dataset, index, loaded.label, classes)
            return Made(images, np.full(len(images), target, np.uint8))
        mask = loaded.mask.with_pixels(_classes(dataset, index, loaded.mask.pixels, classes))
        return Made(images, np.stack([piece.image.pixels for piece in recipe.pieces(mask)]))
    except image.AxesError as error:
        location = dataset.samples[index].locations[0]
        raise sample_error(dataset, index, f"{location}: {error}") from error


def sample_error(dataset: Dataset, index: int, message: str) -> SampleError:
    """The error of an entry, with its place in the dataset file."""
    line = dataset.samples[index].line
    return SampleError(Problem(dataset.path, line, f"image {index}", message))


def renumbered(error: SampleError, index: int) -> SampleError:
    """The same error of an entry that has another number in the whole dataset."""
    return SampleError(dataclasses.replace(error.problem, entry=f"image {index}"))


def _one_class(dataset: Dataset, index: int, label: tuple[int, ...] | None, classes: int) -> int:
    if label is None or len(label) != 1 or label[0] >= classes:
        found = "no label" if not label else f"{label!r}"
        raise sample_error(dataset, index, f"expected one class below {classes}, found {found}")
    return label[0]


def _classes(dataset: Dataset, index: int, pixels: Array, classes: int) -> npt.NDArray[np.uint8]:
    values = np.unique(pixels)
    if values.size and values[0] >= 0 and values[-1] < classes:
        return pixels.astype(np.uint8)
    if classes == 2 and values.size <= 2:
        return np.asarray(pixels == values[-1], np.uint8)
    shown = f"{values[:8].tolist()}{' ...' if values.size > 8 else ''}"
    raise sample_error(
        dataset,
        index,
        f"{dataset.samples[index].mask}: a mask of {classes} classes holds the numbers 0 to {classes - 1}, "
        f"found {shown}; set mask_threshold in the dataset "
        "(dhcore dataset from-csv --mask-threshold 0 for numbered objects, 127 for JPEG), or ask for more classes",
    )

"""From a sample to pixels."""

from __future__ import annotations

import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from dhcore.data.dataset import Dataset, Sample, is_remote
from dhcore.data.errors import Problem, SampleError
from dhcore.image import (
    AxesError,
    Colour,
    Image,
    ImageFileError,
    convert,
    display,
    read,
    resize,
    threshold,
)

__all__ = ["LoadedSample", "load_sample"]

_FETCH_SECONDS: Final = 60
_FETCH_BYTES: Final = 2**30


@final
@dataclass(frozen=True, slots=True)
class LoadedSample:
    """A sample with its pixels."""

    image: Image
    mask: Image | None
    #: Indices of classes; None without.
    label: tuple[int, ...] | None
    #: Where it is in its dataset.
    index: int


def load_sample(
    dataset: Dataset,
    index: int,
    *,
    colour: Colour | None = None,
    size: tuple[int, ...] | None = None,
    mask_threshold: float | None = None,
    as_displayed: bool = False,
) -> LoadedSample:
    """Read picture and mask of a sample.

    Several locations are stacked along z. The mask keeps its values, palette indices included, unless there is a
    threshold: that given, or that of the dataset. A mask of one channel has the axes of the picture without c.

    Args:
        dataset: where it is from.
        index: which one.
        colour: convert the picture to this model.
        size: resample picture (with linear interpolation) and mask (with nearest) to this.
        mask_threshold: 1 where the mask is above, 0 elsewhere.
        as_displayed: take the picture as a viewer shows it, 8-bit, windowed, MONOCHROME1 inverted (`display`); use it
            for radiographs of several machines, which differ in what is bright.

    Raises:
        SampleError: a file is missing or damaged, or picture and mask differ in size; names the files.
    """
    sample = dataset.samples[index]
    limit = dataset.mask_threshold if mask_threshold is None else mask_threshold
    image = _picture(dataset, sample, index)
    mask = None if sample.mask is None else _mask(dataset, sample, index, limit)
    if mask is not None and not image.same_geometry(mask):
        sizes = f"{sample.locations[0]} is {_size(image)}, {sample.mask} is {_size(mask)}"
        message = f"picture and mask differ in size: {sizes}"
        raise SampleError(_problem(dataset, sample, index, message))
    try:
        if as_displayed:
            image = display(image)
        if colour is not None:
            image = convert(image, colour)
        if size is not None:
            image = resize(image, size)
            mask = None if mask is None else resize(mask, size, interpolation="nearest")
    except AxesError as error:
        raise SampleError(
            _problem(dataset, sample, index, f"{sample.locations[0]}: {error}")
        ) from error
    return LoadedSample(image, mask, sample.label, index)


def _picture(dataset: Dataset, sample: Sample, index: int) -> Image:
    parts = [_read(dataset, sample, index, location, "colour") for location in sample.locations]
    first = parts[0]
    if len(parts) == 1:
        return first
    for location, part in zip(sample.locations, parts, strict=True):
        if part.shape != first.shape or part.dtype != first.dtype:
            message = f"stacked pictures differ: {sample.locations[0]} is {first!r}, {location} is {part!r}"
            raise SampleError(_problem(dataset, sample, index, message))
    if first.spatial_axes != "yx":
        raise SampleError(
            _problem(
                dataset,
                sample,
                index,
                f"only pictures can be stacked, {sample.locations[0]} is {first!r}",
            )
        )
    # The format does not say how far apart the slices are.
    pixels = np.stack([part.pixels for part in parts])
    return first.with_pixels(pixels, axes="z" + first.axes, spacing=None, affine=None)


def _mask(dataset: Dataset, sample: Sample, index: int, limit: float | None) -> Image:
    mask = _read(dataset, sample, index, str(sample.mask), "index")
    try:
        mask = convert(mask, "gray")
    except AxesError as error:
        raise SampleError(
            _problem(dataset, sample, index, f"{sample.mask}: a mask has one channel: {error}")
        ) from error
    return mask if limit is None else threshold(mask, limit)


def _read(dataset: Dataset, sample: Sample, index: int, location: str, palette: Any) -> Image:
    try:
        if is_remote(location):
            return _fetched(location, lambda path: read(path, palette=palette))
        return read(location, palette=palette)
    except (ImageFileError, OSError) as error:
        raise SampleError(_problem(dataset, sample, index, str(error))) from error


def _fetched(address: str, reader: Callable[[Path], Image]) -> Image:
    # The address begins with http:// or https://; is_remote has seen to it.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        with urllib.request.urlopen(address, timeout=_FETCH_SECONDS) as answer:  # noqa: S310  # scheme checked
            content = answer.read(_FETCH_BYTES + 1)
        if len(content) > _FETCH_BYTES:
            raise OSError(f"{address}: more than {_FETCH_BYTES} bytes")
        path.write_bytes(content)
        image = reader(path)
        # The file goes away; pixels that are mapped from it have to come into memory.
        return image.with_pixels(np.array(image.pixels))


def _problem(dataset: Dataset, sample: Sample, index: int, message: str) -> Problem:
    return Problem(dataset.path, sample.line, f"image {index}", message)


def _size(image: Image) -> str:
    return " x ".join(str(count) for count in image.size.values())

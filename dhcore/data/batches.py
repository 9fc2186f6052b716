"""Batches of arrays, in an order that only the seed and the epoch decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, final, get_args

import numpy as np
from numpy.typing import NDArray

from dhcore.augment import Pipeline
from dhcore.data.dataset import Dataset
from dhcore.data.errors import Problem, SampleError, SplitError
from dhcore.data.loading import LoadedSample, load_sample
from dhcore.image import Colour
from dhcore.random import generator

__all__ = ["Batch", "Batches", "OnError", "order_of"]

#: What happens at a sample that cannot be loaded: the error is raised, or the sample is left out and reported.
OnError = Literal["skip", "stop"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some samples as arrays."""

    #: (batch, channels, *spatial), float32; unsigned integers are scaled to 0..1.
    images: NDArray[np.float32]
    #: (batch, classes), float32, ones for the labels; (batch, 1, *spatial), int64, for masks; None without labels.
    targets: NDArray[Any] | None
    #: Where the samples are in the dataset.
    indices: tuple[int, ...]


@final
@dataclass(slots=True)
class Batches:
    """The batches of one epoch; iterate over it.

    The last batch may be smaller. `problems` lists the samples that were left out, after the iteration.

    Args:
        dataset: where the samples are from.
        split: name of the split; all samples when None.
        batch_size: samples in a batch.
        seed: of order and augmentation.
        epoch: of the training.
        shuffle: False keeps the order of the split.
        augment: changes every picture and mask.
        colour: convert pictures to this model.
        size: resample to this, before the augmentation.
        as_displayed: take pictures as a viewer shows them; see `load_sample`.
        on_error: "stop" raises, "skip" leaves the sample out.

    >>> from dhcore.data.dataset import Sample
    >>> batches = Batches(Dataset((Sample(("/missing.png",)),)), batch_size=4, on_error="skip")
    >>> list(batches), len(batches.problems)
    ([], 1)
    """

    dataset: Dataset
    split: str | None = None
    batch_size: int = field(default=16, kw_only=True)
    seed: int = field(default=0, kw_only=True)
    epoch: int = field(default=0, kw_only=True)
    shuffle: bool = field(default=False, kw_only=True)
    augment: Pipeline | None = field(default=None, kw_only=True)
    colour: Colour | None = field(default=None, kw_only=True)
    size: tuple[int, ...] | None = field(default=None, kw_only=True)
    as_displayed: bool = field(default=False, kw_only=True)
    on_error: OnError = field(default="stop", kw_only=True)
    problems: list[Problem] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise SplitError(f"Expected a batch size of at least one, got {self.batch_size!r}.")
        if self.on_error not in get_args(OnError):
            raise SplitError(
                f"Expected on_error out of {get_args(OnError)}, got {self.on_error!r}."
            )

    def __iter__(self) -> Iterator[Batch]:
        self.problems.clear()
        waiting: list[LoadedSample] = []
        order = order_of(
            self.dataset, self.split, seed=self.seed, epoch=self.epoch, shuffle=self.shuffle
        )
        for index in order:
            sample = self._loaded(index)
            if sample is not None:
                waiting.append(sample)
            if len(waiting) == self.batch_size:
                yield _batch(self.dataset, waiting)
                waiting = []
        if waiting:
            yield _batch(self.dataset, waiting)

    def _loaded(self, index: int) -> LoadedSample | None:
        try:
            sample = load_sample(
                self.dataset,
                index,
                colour=self.colour,
                size=self.size,
                as_displayed=self.as_displayed,
            )
        except SampleError as error:
            if self.on_error == "stop":
                raise
            self.problems.append(error.problem)
            return None
        if self.augment is None:
            return sample
        image, mask = self.augment(
            sample.image, sample.mask, seed=self.seed, epoch=self.epoch, index=index
        )
        return LoadedSample(image, mask, sample.label, index)


def order_of(
    dataset: Dataset, split: str | None, *, seed: int, epoch: int, shuffle: bool
) -> tuple[int, ...]:
    """The order in which an epoch sees the samples of a split.

    Args:
        dataset: where the samples are from.
        split: its name; all samples when None.
        seed: of the run.
        epoch: of the training.
        shuffle: False keeps the order of the split.

    >>> from dhcore.data.dataset import Sample
    >>> data = Dataset(tuple(Sample((f"{i}.png",)) for i in range(100)))
    >>> first = order_of(data, None, seed=1, epoch=0, shuffle=True)
    >>> first == order_of(data, None, seed=1, epoch=0, shuffle=True)
    True
    >>> first == order_of(data, None, seed=1, epoch=1, shuffle=True)
    False
    """
    indices = dataset.indices(split)
    if not shuffle:
        return indices
    return tuple(
        indices[place]
        for place in generator(seed, "order", split or "", epoch).permutation(len(indices))
    )


def _batch(dataset: Dataset, samples: list[LoadedSample]) -> Batch:
    first = samples[0]
    for sample in samples:
        if sample.image.shape != first.image.shape or sample.image.axes != first.image.axes:
            one, other = (dataset.samples[s.index].locations[0] for s in (first, sample))
            message = (
                f"the pictures of a batch need one shape: {one} is {first.image!r}, {other} is {sample.image!r}; "
                "choose size=(height, width) and colour"
            )
            entry = f"image {sample.index}"
            raise SampleError(
                Problem(dataset.path, dataset.samples[sample.index].line, entry, message)
            )
    images = np.stack([_unit(sample.image.channels_first()) for sample in samples])
    return Batch(images, _targets(dataset, samples), tuple(sample.index for sample in samples))


def _unit(pixels: NDArray[Any]) -> NDArray[np.float32]:
    if pixels.dtype.kind == "u":
        return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    return pixels.astype(np.float32)


def _targets(dataset: Dataset, samples: list[LoadedSample]) -> NDArray[Any] | None:
    if dataset.classes:
        targets = np.zeros((len(samples), len(dataset.classes)), np.float32)
        for row, sample in zip(targets, samples, strict=True):
            row[list(sample.label or ())] = 1.0
        return targets
    masks = [sample.mask for sample in samples if sample.mask is not None]
    if not masks:
        return None
    if len(masks) < len(samples):
        bare = next(sample for sample in samples if sample.mask is None)
        message = (
            f"no mask for {dataset.samples[bare.index].locations[0]}, but for others of its batch"
        )
        raise SampleError(
            Problem(dataset.path, dataset.samples[bare.index].line, f"image {bare.index}", message)
        )
    return np.stack([mask.channels_first(np.int64) for mask in masks])

"""A split of a dataset becomes shards: one task per partition reads and prepares its files.

::

    split ── partition ──┬── read_shard(entries 0..k) ── images, targets (stay on the worker), report (comes back)
                         ├── read_shard(...)
                         └── read_shard(...)
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final, get_args

import numpy as np
import numpy.typing as npt

from dhcore.data import Dataset, Problem, SampleError
from dhtask import task, wait_on
from dhtask.errors import ConfigurationError
from dhtask.pipeline.errors import EmptySplitError
from dhtask.pipeline.partition import partition
from dhtask.pipeline.recipe import Made, Recipe, make_samples, renumbered, sample_error
from dhtask.pipeline.shard import Shard

Array = npt.NDArray[Any]

#: What a file that cannot be used does: end the run, or be left out and listed.
BadFiles = Literal["skip", "stop"]


@final
@dataclass(frozen=True, slots=True)
class ShardReport:
    """What the program learns of a shard; the pixels stay where they are."""

    #: Name of each sample: its file, and the number of the tile where there are several.
    names: tuple[str, ...]
    #: Shape of one image, (channels, height, width); empty without samples.
    shape: tuple[int, ...]
    problems: tuple[Problem, ...]


@final
@dataclass(frozen=True, slots=True)
class Prepared:
    """A split of a dataset, ready for training or evaluation."""

    shards: tuple[Shard, ...]
    #: Files left out, in the order of the dataset.
    problems: tuple[Problem, ...]
    #: Wall-clock seconds from the first task to the last report.
    seconds: float

    @property
    def count(self) -> int:
        """Number of samples."""
        return sum(shard.count for shard in self.shards)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image, (channels, height, width)."""
        return self.shards[0].shape


def prepare(
    dataset: Dataset,
    split: str | None,
    recipe: Recipe,
    *,
    partitions: int,
    classes: int = 2,
    bad_files: BadFiles = "stop",
) -> Prepared:
    """Read and prepare a split of a dataset, one task per partition.

    Args:
        dataset: from :func:`dhcore.data.load_dataset`.
        split: name of the split; None for all entries.
        recipe: what is done to every image.
        partitions: number of shards, contiguous blocks of entries; fewer come back when all files of one are left out.
        classes: number of classes.
        bad_files: ``stop`` raises what the first bad file raised, ``skip`` leaves bad files out and lists them.

    Raises:
        SplitError: there is no such split.
        EmptySplitError: the split has no entries, or none that can be used.
        PartitionError: there are fewer entries than partitions.
        SampleError: a file is bad and ``bad_files`` is ``stop``, or the images differ in size.
    """
    if bad_files not in get_args(BadFiles):
        raise ConfigurationError(
            f"bad_files must be one of {get_args(BadFiles)}, found {bad_files!r}"
        )
    indices = dataset.indices(split)
    if not indices:
        raise EmptySplitError(f"{_called(dataset, split)} has no images; name some in the dataset")
    began = time.perf_counter()
    outputs: list[Any] = [
        read_shard(
            _part(dataset, indices[block.start : block.stop]),
            indices[block.start : block.stop],
            recipe,
            classes,
            skip=bad_files == "skip",
        )
        for block in partition(len(indices), partitions)
    ]
    reports: list[ShardReport] = wait_on([output[2] for output in outputs])
    problems = tuple(problem for report in reports for problem in report.problems)
    shards = tuple(
        Shard(images=output[0], targets=output[1], names=report.names, shape=report.shape)
        for output, report in zip(outputs, reports, strict=True)
        if report.names
    )
    if not shards:
        raise EmptySplitError(
            f"{_called(dataset, split)}: none of the {len(indices)} images can be used; the first: {problems[0]}"
        )
    _check_shapes(dataset, shards)
    return Prepared(shards, problems, time.perf_counter() - began)


@task(returns=3)
def read_shard(
    entries: Dataset,
    numbers: Sequence[int],
    recipe: Recipe,
    classes: int,
    skip: bool,  # noqa: FBT001 - tasks take their arguments by position or name
) -> tuple[Array, Array, ShardReport]:
    """Read the files of one partition.

    Args:
        entries: those of the partition.
        numbers: of the entries in the whole dataset.
        recipe: what is done to every image.
        classes: number of classes.
        skip: whether bad files are left out.

    Returns:
        Images, targets, and what the program learns of them.

    Raises:
        SampleError: a file is bad and ``skip`` is false.
    """
    found: list[Made] = []
    names: list[str] = []
    problems: list[Problem] = []
    for index, number in enumerate(numbers):
        try:
            made = make_samples(entries, index, recipe, classes)
            if found:
                _check_alike(entries, index, made, found[0])
        except SampleError as error:
            known = renumbered(error, number)
            if not skip:
                raise known from None
            problems.append(known.problem)
            continue
        found.append(made)
        names += _sample_names(entries.samples[index].locations[0], len(made.images))
    shape = tuple(found[0].images.shape[1:]) if found else ()
    report = ShardReport(tuple(names), shape, tuple(problems))
    if not found:
        return np.empty(0, np.float32), np.empty(0, np.uint8), report
    images = np.concatenate([made.images for made in found])
    return images, np.concatenate([made.targets for made in found]), report


def _part(dataset: Dataset, indices: Sequence[int]) -> Dataset:
    samples = tuple(dataset.samples[index] for index in indices)
    return dataclasses.replace(dataset, samples=samples, splits={})


def _called(dataset: Dataset, split: str | None) -> str:
    return f"{dataset.path}: split {split!r}" if split else str(dataset.path)


_ADVICE = "bring all to one size (--size HxW), or cut them into tiles (--tile HxW)"


def _check_alike(entries: Dataset, index: int, made: Made, first: Made) -> None:
    if made.images.shape[1:] != first.images.shape[1:]:
        raise sample_error(
            entries,
            index,
            f"{entries.samples[index].locations[0]} gives images of shape {made.images.shape[1:]}, "
            f"those before {first.images.shape[1:]}; {_ADVICE}",
        )


def _check_shapes(dataset: Dataset, shards: Sequence[Shard]) -> None:
    first = shards[0]
    for shard in shards[1:]:
        if shard.shape != first.shape:
            message = (
                f"{shard.names[0]} gives images of shape {shard.shape}, {first.names[0]} of {first.shape}; "
                f"{_ADVICE}"
            )
            raise SampleError(Problem(dataset.path, 0, "", message))


def _sample_names(location: str, count: int) -> list[str]:
    name = Path(location).name
    return [name] if count == 1 else [f"{name}#{index}" for index in range(count)]

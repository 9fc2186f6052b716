"""A split of a dataset becomes shards: one task per partition reads and prepares its files.

::

    items ── partition ──┬── read_shard(items 0..k) ── images, targets (stay on the worker), report (comes back)
                         ├── read_shard(...)
                         └── read_shard(...)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final, get_args

import numpy as np
import numpy.typing as npt

from dhtask import task, wait_on
from dhtask.pipeline.errors import BadFileError, EmptySplitError, PipelineError
from dhtask.pipeline.partition import partition
from dhtask.pipeline.recipe import Item, Recipe, Samples, read_item
from dhtask.pipeline.shard import Shard

Array = npt.NDArray[Any]

#: What a file that cannot be used does: end the run, or be left out and listed.
BadFiles = Literal["skip", "stop"]


@final
@dataclass(frozen=True, slots=True)
class Problem:
    """A file that was left out, and why."""

    path: str
    problem: str


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
    items: Sequence[Item],
    recipe: Recipe,
    *,
    partitions: int,
    classes: int = 2,
    bad_files: BadFiles = "stop",
    split: str = "the split",
) -> Prepared:
    """Read and prepare a split of a dataset, one task per partition.

    Args:
        items: its entries; contiguous blocks of them become the shards.
        recipe: what is done to every image.
        partitions: number of shards; fewer come back when all files of one are left out.
        classes: number of classes.
        bad_files: ``stop`` raises what the first bad file raised, ``skip`` leaves bad files out and lists them.
        split: what to call the entries in messages.

    Raises:
        EmptySplitError: there are no entries, or none that can be read.
        PartitionError: there are fewer entries than partitions.
        BadFileError: a file is bad and ``bad_files`` is ``stop``, or the images differ in size.
    """
    if bad_files not in get_args(BadFiles):
        raise PipelineError(f"bad_files must be one of {get_args(BadFiles)}, found {bad_files!r}")
    if not items:
        raise EmptySplitError(f"{split} has no samples; list some in the dataset")
    began = time.perf_counter()
    outputs: list[Any] = [
        read_shard(
            tuple(items[block.start : block.stop]), recipe, classes, skip=bad_files == "skip"
        )
        for block in partition(len(items), partitions)
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
            f"{split}: none of the {len(items)} files can be used; the first: "
            f"{problems[0].path}: {problems[0].problem}"
        )
    for shard in shards[1:]:
        _check_alike(shard.names[0], shard.shape, shards[0].shape)
    return Prepared(shards, problems, time.perf_counter() - began)


@task(returns=3)
def read_shard(
    items: tuple[Item, ...],
    recipe: Recipe,
    classes: int,
    skip: bool,  # noqa: FBT001 - tasks take their arguments by position or name
) -> tuple[Array, Array, ShardReport]:
    """Read the files of one partition.

    Args:
        items: its entries.
        recipe: what is done to every image.
        classes: number of classes.
        skip: whether bad files are left out.

    Returns:
        Images, targets, and what the program learns of them.

    Raises:
        BadFileError: a file is bad and ``skip`` is false.
    """
    found: list[Samples] = []
    names: list[str] = []
    problems: list[Problem] = []
    for item in items:
        try:
            samples = read_item(item, recipe, classes)
            if found:
                _check_alike(item.location, samples.images.shape[1:], found[0].images.shape[1:])
        except BadFileError as error:
            if not skip:
                raise
            problems.append(Problem(error.path, error.problem))
            continue
        found.append(samples)
        names += _sample_names(item.location, len(samples.images))
    shape = tuple(found[0].images.shape[1:]) if found else ()
    report = ShardReport(tuple(names), shape, tuple(problems))
    if not found:
        return np.empty(0, np.float32), np.empty(0, np.uint8), report
    images = np.concatenate([samples.images for samples in found])
    return images, np.concatenate([samples.targets for samples in found]), report


def _check_alike(path: str, shape: tuple[int, ...], first: tuple[int, ...]) -> None:
    if shape != first:
        raise BadFileError(
            path,
            f"gives images of shape {shape}, those before {first}; bring all to one size, or cut them into tiles",
        )


def _sample_names(location: str, count: int) -> list[str]:
    name = Path(location).name
    return [name] if count == 1 else [f"{name}#{index}" for index in range(count)]

"""Which samples every step of an epoch reads, decided before the epoch starts.

Samples stay on the worker of their partition, so a batch of ``batch_size`` samples is the union of one small batch from
each partition, in proportion to the sizes of the partitions::

    partition 0 (6 samples)   3 1 | 5 0 | 4 2
    partition 1 (5 samples)   2 0 | 1 4 | 3          batch_size 4: quotas 2 and 2, three steps, the last has 3 samples

Every sample is read once an epoch. The order is a pure function of (seed, epoch, partition): it depends neither on the
executor nor on what happened before, which is what makes resuming exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from dhcore import random
from dhtask.training.errors import TrainingConfigError

Indices = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True)
class EpochSchedule:
    """The batches of one epoch."""

    #: For each partition its batches in order; an array of sample indices within the partition each.
    batches: tuple[tuple[Indices, ...], ...]

    @property
    def steps(self) -> int:
        """Steps of the epoch: what the partition with most batches takes."""
        return max(len(batches) for batches in self.batches)

    @property
    def leader(self) -> int:
        """First partition that takes part in every step."""
        return next(index for index, own in enumerate(self.batches) if len(own) == self.steps)

    def rounds(self, length: int) -> tuple[tuple[tuple[Indices, ...], ...], ...]:
        """Batches grouped into rounds of ``length`` steps: ``[round][partition]``, empty when it has none left.

        Example:
            >>> schedule = epoch_schedule((5, 2), batch_size=2, seed=0, epoch=0)
            >>> [[len(own) for own in round] for round in schedule.rounds(2)]
            [[2, 2], [2, 0], [1, 0]]
        """
        return tuple(
            tuple(own[start : start + length] for own in self.batches)
            for start in range(0, self.steps, length)
        )


def batch_quotas(batch_size: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """Share a batch among partitions in proportion to their sizes, by largest remainder, at least one sample each.

    Raises:
        TrainingConfigError: the batch has fewer samples than there are partitions.

    Example:
        >>> batch_quotas(8, (30, 30, 20))
        (3, 3, 2)
    """
    if batch_size < len(sizes):
        raise TrainingConfigError(
            f"batch_size {batch_size} is smaller than the number of partitions {len(sizes)}; "
            "every partition needs a sample of each batch"
        )
    total = sum(sizes)
    quotas = [batch_size * size // total for size in sizes]
    by_remainder = sorted(
        range(len(sizes)), key=lambda index: (-(batch_size * sizes[index] % total), index)
    )
    for index in by_remainder[: batch_size - sum(quotas)]:
        quotas[index] += 1
    while 0 in quotas:
        quotas[quotas.index(max(quotas))] -= 1
        quotas[quotas.index(0)] += 1
    return tuple(quotas)


def epoch_schedule(
    sizes: Sequence[int], *, batch_size: int, seed: int, epoch: int
) -> EpochSchedule:
    """Shuffle every partition and cut it into batches.

    Args:
        sizes: number of samples of each partition.
        batch_size: samples of a step, all partitions together.
        seed: seed of the training.
        epoch: number of the epoch, from 0.

    Example:
        >>> schedule = epoch_schedule((4, 3), batch_size=4, seed=1, epoch=0)
        >>> [[len(batch) for batch in own] for own in schedule.batches]
        [[2, 2], [2, 1]]
    """
    quotas = batch_quotas(batch_size, sizes)
    return EpochSchedule(
        tuple(
            _batches(size, quota, random.generator(seed, "order", epoch, index))
            for index, (size, quota) in enumerate(zip(sizes, quotas, strict=True))
        )
    )


def _batches(size: int, quota: int, generator: np.random.Generator) -> tuple[Indices, ...]:
    order = generator.permutation(size).astype(np.int64)
    return tuple(order[start : start + quota] for start in range(0, size, quota))

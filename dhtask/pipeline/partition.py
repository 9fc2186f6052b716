"""Which samples belong to which partition: contiguous blocks whose sizes differ by at most one."""

from __future__ import annotations

from itertools import pairwise

from dhtask.pipeline.errors import PartitionError


def partition(count: int, partitions: int) -> tuple[range, ...]:
    """Cut ``count`` samples into contiguous blocks; the first ``count % partitions`` blocks have one more.

    Args:
        count: number of samples.
        partitions: number of blocks, between 1 and ``count``.

    Raises:
        PartitionError: there are fewer samples than partitions, or no partition at all.

    Example:
        >>> [list(block) for block in partition(7, 3)]
        [[0, 1, 2], [3, 4], [5, 6]]
    """
    if partitions < 1:
        raise PartitionError(f"expected at least one partition, found {partitions!r}")
    if count < partitions:
        raise PartitionError(
            f"{partitions} partitions need at least {partitions} samples, found {count}; "
            f"ask for at most {max(count, 1)} partitions or give more data"
        )
    small, larger = divmod(count, partitions)
    starts = [index * small + min(index, larger) for index in range(partitions + 1)]
    return tuple(range(start, stop) for start, stop in pairwise(starts))

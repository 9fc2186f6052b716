"""A shard: the samples of one partition, lying where they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from dhtask import task
from dhtask.pipeline.errors import PartitionError
from dhtask.pipeline.partition import partition

Array = npt.NDArray[Any]


@final
@dataclass(frozen=True, slots=True)
class Shard:
    """The samples of one partition; the arrays are futures inside a runtime and stay on their worker."""

    #: float32 (samples, channels, *spatial), or a future of it.
    images: Any
    #: uint8 classes (samples, *spatial) or (samples,), or a future of it.
    targets: Any
    #: Name of each sample, for reports.
    names: tuple[str, ...]
    #: Shape of one image, (channels, *spatial).
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of samples."""
        return len(self.names)


def shards_from_arrays(
    images: Array, targets: Array, partitions: int, *, names: Sequence[str] | None = None
) -> tuple[Shard, ...]:
    """Spread arrays of the program over partitions.

    Args:
        images: (samples, channels, *spatial), converted to float32.
        targets: integer classes (samples, *spatial) or (samples,), below 256.
        partitions: number of shards.
        names: of the samples; their numbers by default.

    Raises:
        PartitionError: there are fewer samples than partitions, or not as many targets as images.

    Example:
        >>> shards = shards_from_arrays(np.zeros((5, 1, 8, 8)), np.zeros((5, 8, 8), int), 2)
        >>> [shard.count for shard in shards], shards[0].images.dtype.name
        ([3, 2], 'float32')
    """
    if len(images) != len(targets):
        raise PartitionError(
            f"expected one target per image, found {len(images)} images and {len(targets)} targets"
        )
    chosen = tuple(names or map(str, range(len(images))))
    return tuple(
        Shard(
            images=keep(np.ascontiguousarray(images[block.start : block.stop], np.float32)),
            targets=keep(np.ascontiguousarray(targets[block.start : block.stop], np.uint8)),
            names=chosen[block.start : block.stop],
            shape=tuple(images.shape[1:]),
        )
        for block in partition(len(images), partitions)
    )


@task(returns=1)
def keep(array: Array) -> Array:
    """Make an array a result of a task, so that it lies on a worker and is not sent again at every use."""
    return array

"""One batch of a partition: which samples, and what is done to them on the way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, final

import numpy as np
import numpy.typing as npt

from dhcore.augment import Pipeline, parse
from dhcore.image import Image
from dhtask.training._schedule import Indices

Array = npt.NDArray[Any]


@final
@dataclass(frozen=True, slots=True)
class Augmentation:
    """How the samples of one partition are augmented in one epoch."""

    #: The pipeline as text; empty for none.
    text: str
    seed: int
    epoch: int
    #: Number of the partition's first sample among all samples: partitions do not repeat each other's draws.
    first: int

    def apply(self, images: Array, targets: Array, indices: Indices) -> tuple[Array, Array]:
        """Pick samples and augment each by a draw of its own.

        Args:
            images: (samples, channels, *spatial), all of the partition.
            targets: classes (samples, *spatial) or (samples,).
            indices: those of the batch.
        """
        if not self.text:
            return images[indices], targets[indices]
        pipeline = parsed(self.text)
        pairs = [
            self._one(pipeline, images[index], targets[index], int(index)) for index in indices
        ]
        return np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])

    def _one(
        self, pipeline: Pipeline, image: Array, target: Array, index: int
    ) -> tuple[Array, Array]:
        axes = "zyx"[-(image.ndim - 1) :]
        mask = Image(target, axes) if target.ndim else None
        changed, changed_mask = pipeline(
            Image.from_channels_first(image),
            mask,
            seed=self.seed,
            epoch=self.epoch,
            index=self.first + index,
        )
        return changed.channels_first(), target if changed_mask is None else changed_mask.pixels


@lru_cache(maxsize=8)
def parsed(text: str) -> Pipeline:
    """The pipeline of a text, read once."""
    return parse(text)

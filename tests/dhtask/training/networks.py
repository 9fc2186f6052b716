"""Networks and data small enough for a test."""

from __future__ import annotations

import numpy as np

from dhcore import nn
from dhtask.pipeline import Shard, shards_from_arrays

CLASSES = 2


def plain(input_shape: tuple[int, ...], classes: int, filters: int = 4) -> nn.Model:
    """Two convolutions, without batch norm."""
    x = nn.Input(input_shape)
    hidden = nn.ReLU()(nn.Conv2d(filters, 3)(x))
    return nn.Model(x, nn.Conv2d(classes, 3)(hidden))


def normalised(input_shape: tuple[int, ...], classes: int) -> nn.Model:
    """With batch norm, whose running statistics have to be merged."""
    x = nn.Input(input_shape)
    hidden = nn.ReLU()(nn.BatchNorm()(nn.Conv2d(4, 3)(x)))
    return nn.Model(x, nn.Conv2d(classes, 3)(hidden))


def dropping(input_shape: tuple[int, ...], classes: int) -> nn.Model:
    """With dropout."""
    x = nn.Input(input_shape)
    hidden = nn.Dropout(0.5)(nn.ReLU()(nn.Conv2d(4, 3)(x)))
    return nn.Model(x, nn.Conv2d(classes, 3)(hidden))


def pictures(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise, and where it is bright."""
    generator = np.random.default_rng(seed)
    images = generator.normal(size=(count, 1, 8, 8)).astype(np.float32)
    blurred = images + np.roll(images, 1, axis=-1) + np.roll(images, 1, axis=-2)
    return images, (blurred[:, 0] > 0).astype(np.uint8)


def shards(count: int, partitions: int, seed: int = 0) -> tuple[Shard, ...]:
    """Pictures spread over partitions."""
    return shards_from_arrays(*pictures(count, seed), partitions)

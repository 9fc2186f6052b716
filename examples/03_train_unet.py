"""Train a U-Net to find bright discs in noise, data-parallel, and say how well it does.

`python 03_train_unet.py` works in one process, `dhtask run 03_train_unet.py` in several; the figures are the same.
"""

from __future__ import annotations

import numpy as np

from dhcore.optim import Adam
from dhtask.pipeline import Shard, shards_from_arrays
from dhtask.training import EpochLines, TrainingConfig, evaluate, train

PARTITIONS = 2
SIDE = 32

CONFIG = TrainingConfig(
    network="unet",
    network_options={"width": 4, "levels": 3},
    batch_size=8,
    epochs=6,
    optimizer=Adam(0.02),
    metrics=("dice",),
    augmentation="Flip(axis='x')\nFlip(axis='y')",
)


def discs(count: int, seed: int) -> tuple[Shard, ...]:
    """Pictures (count, 1, 32, 32) with their masks, spread over the workers."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    centres = generator.uniform(6, SIDE - 6, (count, 2, 1, 1))
    radii = generator.uniform(3, 8, (count, 1, 1))
    masks = (rows - centres[:, 0]) ** 2 + (columns - centres[:, 1]) ** 2 < radii**2
    images = 0.5 * generator.random((count, SIDE, SIDE)) + 0.4 * masks
    return shards_from_arrays(images[:, None], masks.astype(np.uint8), PARTITIONS)


def main() -> None:
    training, validation, test = discs(48, seed=0), discs(16, seed=1), discs(16, seed=2)
    result = train(CONFIG, training, validation, classes=2, observer=EpochLines())
    held_out = evaluate(CONFIG, result.best_state, test, classes=2)
    print(f"Dice of the discs on pictures never seen: {held_out.per_class['dice'][1]:.3f}")


if __name__ == "__main__":
    main()

"""A prediction of a whole picture: cut into overlapping tiles, predicted on the workers, put together again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from dhcore import image
from dhcore.nn import State
from dhtask.pipeline import Recipe, shards_from_arrays
from dhtask.training import TrainingConfig, predict


def predict_picture(
    config: TrainingConfig,
    state: State,
    picture: image.Image,
    recipe: Recipe,
    *,
    shape: tuple[int, ...],
    classes: int,
    partitions: int,
) -> npt.NDArray[np.uint8]:
    """Class of every pixel of a picture of any size that holds one input of the network.

    Neighbouring tiles share a quarter; where they overlap, probabilities are averaged with weights that fall off
    towards the edges of a tile.

    Args:
        config: of the training that made the state.
        state: what to predict with.
        picture: already of the recipe's colour.
        recipe: of the training; intensities are normalised in its way.
        shape: of one input of the network, (channels, height, width).
        classes: number of classes.
        partitions: number of tasks.

    Returns:
        (height, width).
    """
    size = (shape[1], shape[2])
    pieces = image.tile(picture, size, overlap=(size[0] // 4, size[1] // 4))
    inputs = np.stack([recipe.normalised(piece.image) for piece in pieces])
    shards = shards_from_arrays(inputs, np.zeros(len(inputs)), min(partitions, len(inputs)))
    scores = np.concatenate(predict(config, state, shards, classes=classes))
    probabilities: npt.NDArray[Any] = softmax(scores, axis=1).astype(np.float32)
    whole = image.stitch(
        [image.Image(np.moveaxis(tile, 0, -1), "yxc", "other") for tile in probabilities],
        [piece.position for piece in pieces],
        tuple(picture.size.values()),
    )
    return np.asarray(whole.pixels.argmax(axis=-1), np.uint8)

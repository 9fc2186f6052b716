"""What the network sees, as pictures: one from edge to edge, and some of the held-out samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from dhcore import image
from dhcore.nn import State
from dhtask import task, wait_on
from dhtask.demo.stitching import predict_picture
from dhtask.pipeline import Recipe, Shard
from dhtask.training import TrainingConfig, predict

#: Samples shown at most.
_EXAMPLES: Final = 6


@final
@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """A picture with the classes of its pixels."""

    name: str
    #: uint8 (height, width) or (height, width, 3).
    pixels: npt.NDArray[np.uint8]
    #: (height, width) each.
    truth: npt.NDArray[np.uint8]
    prediction: npt.NDArray[np.uint8]


def whole_picture(
    config: TrainingConfig,
    state: State,
    truth: tuple[image.Image, image.Image],
    recipe: Recipe,
    shape: tuple[int, ...],
    classes: int,
    partitions: int,
) -> Segmented:
    """Predict a picture of any size in overlapping tiles.

    Args:
        config: of the training that made the state.
        state: what to predict with.
        truth: picture, already of the recipe's colour, and mask.
        recipe: of the training.
        shape: of one input of the network, (channels, height, width).
        classes: number of classes.
        partitions: number of tasks.
    """
    picture, mask = truth
    prediction = predict_picture(
        config, state, picture, recipe, shape=shape, classes=classes, partitions=partitions
    )
    shown = picture if picture.dtype == np.uint8 else image.display(picture)
    classes_of_pixels = np.minimum(mask.pixels, classes - 1).astype(np.uint8)
    return Segmented("picture", shown.pixels, classes_of_pixels, prediction)


def first_examples(
    config: TrainingConfig, state: State, shard: Shard, recipe: Recipe, classes: int
) -> tuple[Segmented, ...]:
    """Predict the first samples of a shard; only these travel.

    Args:
        config: of the training that made the state.
        state: what to predict with.
        shard: held-out samples.
        recipe: of the training; its normalisation is undone for the eye.
        classes: number of classes.
    """
    images: Any = first_samples(shard.images, _EXAMPLES)
    targets: Any = first_samples(shard.targets, _EXAMPLES)
    few = Shard(images, targets, shard.names[:_EXAMPLES], shard.shape)
    (scores,) = predict(config, state, [few], classes=classes)
    pixels, truth = wait_on(images, targets)
    shown = np.clip(pixels * recipe.deviation + recipe.mean, 0, 1) * 255
    coloured = np.moveaxis(shown.round().astype(np.uint8), 1, -1)
    return tuple(
        Segmented(name, one[..., 0] if one.shape[-1] == 1 else one, mask, prediction)
        for name, one, mask, prediction in zip(
            few.names, coloured, truth, scores.argmax(axis=1).astype(np.uint8), strict=True
        )
    )


@task
def first_samples(samples: Any, count: int) -> npt.NDArray[Any]:
    """The first samples of a shard.

    Args:
        samples: (samples, ...).
        count: how many at most.
    """
    return np.array(samples[:count])

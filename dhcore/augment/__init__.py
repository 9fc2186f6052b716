"""Augmentation: random changes of images that leave their meaning.

A transform says what may happen; one draw of its parameters says what does happen, to the image and to its mask alike:
the same geometry, the image with linear and the mask with nearest interpolation, while changes of intensity leave the
mask alone. The draw depends on (seed, epoch, index of the sample) and nothing else, so any number of workers makes the
same pictures.

>>> import numpy as np
>>> from dhcore.image import Image
>>> pipeline = Pipeline(Flip(), Rotate(degrees=(-15, 15)), GaussianNoise(deviation=(0, 0.05)))
>>> picture = Image(np.zeros((32, 32, 3), np.uint8), "yxc")
>>> changed, mask = pipeline(picture, Image(np.ones((32, 32), np.uint8), "yx"), seed=1, epoch=0, index=5)
>>> changed.shape, np.unique(mask).tolist()
((32, 32, 3), [0, 1])
>>> parse(repr(pipeline)) == pipeline
True
"""

from __future__ import annotations

from dhcore.augment.colour import ColourJitter
from dhcore.augment.draw import Draw, Transform
from dhcore.augment.dropout import CoarseDropout
from dhcore.augment.elastic import Elastic
from dhcore.augment.errors import AugmentationError
from dhcore.augment.geometric import Flip, RandomCrop, Rotate, Scale, Shift, Turn90
from dhcore.augment.intensity import Brightness, Contrast, Gamma, GaussianBlur, GaussianNoise
from dhcore.augment.pipeline import OneOf, Pipeline
from dhcore.augment.sizing import CentreCrop, Resize
from dhcore.augment.text import parse

__all__ = [
    "AugmentationError",
    "Brightness",
    "CentreCrop",
    "CoarseDropout",
    "ColourJitter",
    "Contrast",
    "Draw",
    "Elastic",
    "Flip",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "OneOf",
    "Pipeline",
    "RandomCrop",
    "Resize",
    "Rotate",
    "Scale",
    "Shift",
    "Transform",
    "Turn90",
    "parse",
]

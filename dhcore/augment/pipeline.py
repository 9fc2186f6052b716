"""Several transforms, one after the other or one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from dhcore.augment.draw import Affine, Draw, Transform, check_probability
from dhcore.augment.errors import AugmentationError
from dhcore.image import Image
from dhcore.random import generator

__all__ = ["OneOf", "Pipeline"]


@final
class Pipeline:
    """Transforms in a row.

    Every transform draws from a stream of its own, named by (seed, epoch, index, place in the row), so to change one
    does not change what the others do. Rotations, scales and shifts that follow each other sample the pixels once.

    Args:
        *transforms: carried out from left to right.

    >>> from dhcore.augment import Flip
    >>> Pipeline(Flip(), Flip(axis="y"))
    Pipeline(
        Flip(axis='x', probability=0.5),
        Flip(axis='y', probability=0.5),
    )
    """

    __slots__ = ("transforms",)

    transforms: tuple[Transform, ...]

    def __init__(self, *transforms: Transform) -> None:
        for transform in transforms:
            if not callable(getattr(transform, "draw", None)):
                raise AugmentationError(f"Expected transforms, as Flip(), got {transform!r}.")
        object.__setattr__(self, "transforms", transforms)

    def __call__(
        self,
        image: Image,
        mask: Image | None = None,
        *,
        seed: int = 0,
        epoch: int = 0,
        index: int = 0,
    ) -> tuple[Image, Image | None]:
        """Augment an image and its mask.

        Args:
            image: the picture or volume.
            mask: labels of the same size, or None.
            seed: of the run.
            epoch: of the training.
            index: of the sample in its dataset.

        Returns:
            Both, changed by the same geometry.

        Raises:
            AugmentationError: image and mask differ in size.
        """
        if mask is not None and not image.same_geometry(mask):
            raise AugmentationError(
                f"Image and mask have to be of one size, got {image!r} and {mask!r}."
            )
        waiting: Affine | None = None
        for place, transform in enumerate(self.transforms):
            draw = transform.draw(generator(seed, "augment", epoch, index, place), image)
            if draw is None:
                continue
            if isinstance(draw, Affine):
                merged = draw if waiting is None else waiting.then(draw)
                if merged is not None:
                    waiting = merged
                    continue
            image, mask = _carry_out(waiting, image, mask)
            waiting = None
            if isinstance(draw, Affine):
                waiting = draw
            else:
                image, mask = _carry_out(draw, image, mask)
        return _carry_out(waiting, image, mask)

    def __repr__(self) -> str:
        lines = "".join(f"    {transform!r},\n" for transform in self.transforms)
        return f"Pipeline(\n{lines})" if lines else "Pipeline()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pipeline) and self.transforms == other.transforms

    def __hash__(self) -> int:
        return hash(self.transforms)

    def __reduce__(self) -> tuple[type[Pipeline], tuple[Transform, ...]]:
        return Pipeline, self.transforms

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"A pipeline does not change; make a new one instead of setting {name!r}."
        )


@final
@dataclass(frozen=True, slots=True)
class OneOf:
    """One transform of several, with equal chances.

    >>> from dhcore.augment import GaussianBlur, GaussianNoise
    >>> OneOf((GaussianBlur(), GaussianNoise()), probability=0.3).probability
    0.3
    """

    transforms: tuple[Transform, ...]
    probability: float = 1.0

    def __post_init__(self) -> None:
        check_probability(self.probability)
        transforms: Any = self.transforms
        if not isinstance(transforms, tuple) or not transforms:
            raise AugmentationError(f"Expected a tuple of transforms, got {transforms!r}.")

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide whether, which, and what that one does.

        Args:
            random: where chance comes from.
            image: what will be changed.
        """
        happens, chosen = (
            random.random() < self.probability,
            int(random.integers(len(self.transforms))),
        )
        return self.transforms[chosen].draw(random, image) if happens else None


def _carry_out(draw: Draw | None, image: Image, mask: Image | None) -> tuple[Image, Image | None]:
    if draw is None:
        return image, mask
    return draw.on_image(image), None if mask is None else draw.on_mask(mask)

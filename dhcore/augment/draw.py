"""What a transform decides: the interface, and the three kinds of decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from dhcore.augment.errors import AugmentationError
from dhcore.image import Border, Image, cast, warp

__all__ = [
    "Affine",
    "Draw",
    "Everywhere",
    "Transform",
    "Values",
    "check_border",
    "check_probability",
    "check_range",
    "check_size",
    "uniform",
]


class Draw(Protocol):
    """One decision, ready to be carried out as often as needed."""

    def on_image(self, image: Image) -> Image:
        """Change an image.

        Args:
            image: of the size the decision was made for.
        """

    def on_mask(self, mask: Image) -> Image:
        """Change its labels in the same way; no new values appear but the fill, zero.

        Args:
            mask: of the same size.
        """


class Transform(Protocol):
    """What may happen to an image."""

    def draw(self, random: np.random.Generator, image: Image) -> Draw | None:
        """Decide.

        Args:
            random: where chance comes from.
            image: what will be changed; only its size and kind count, except for values that adapt to it.

        Returns:
            The decision, or None to leave the image as it is.
        """


@dataclass(frozen=True, slots=True)
class Everywhere:
    """A change that is exact for pixels and labels alike, as a flip or a crop."""

    change: Callable[[Image], Image]

    def on_image(self, image: Image) -> Image:
        """Change an image.

        Args:
            image: any.
        """
        return self.change(image)

    def on_mask(self, mask: Image) -> Image:
        """Change its labels.

        Args:
            mask: any.
        """
        return self.change(mask)


@dataclass(frozen=True, slots=True)
class Values:
    """A change of the values of the pixels, computed in float32 and rounded back; transparency and mask stay."""

    change: Callable[[NDArray[Any]], NDArray[Any]]

    def on_image(self, image: Image) -> Image:
        """Change an image.

        Args:
            image: any.
        """
        if image.colour != "rgba":
            values = image.pixels.astype(np.float32)
            return image.with_pixels(cast(self.change(values), image.dtype))
        place = image.axes.index("c")
        visible = image.with_pixels(image.pixels.take(range(3), axis=place), colour="rgb")
        changed = self.on_image(visible).pixels
        return image.with_pixels(
            np.concatenate([changed, image.pixels.take([3], axis=place)], axis=place)
        )

    def on_mask(self, mask: Image) -> Image:
        """Leave the labels alone.

        Args:
            mask: any.
        """
        return mask


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """A linear map of places; neighbours in a pipeline are multiplied and sample the pixels once."""

    #: (d + 1, d + 1), new index to old index over the spatial axes.
    matrix: NDArray[np.float64]
    border: Border = "constant"
    fill: float = 0.0

    def on_image(self, image: Image) -> Image:
        """Change an image, with linear interpolation.

        Args:
            image: of the size the matrix was made for.
        """
        return warp(image, self.matrix, border=self.border, fill=self.fill)

    def on_mask(self, mask: Image) -> Image:
        """Change its labels, with nearest neighbours.

        Args:
            mask: of the same size.
        """
        return warp(mask, self.matrix, interpolation="nearest", border=self.border)

    def then(self, after: Affine) -> Affine | None:
        """Both in one, or None when they treat the outside differently.

        Args:
            after: what happens to the result of this one.
        """
        if (self.border, self.fill) != (after.border, after.fill):
            return None
        return Affine(self.matrix @ after.matrix, self.border, self.fill)


def uniform(random: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A number between two bounds.

    Args:
        random: where chance comes from.
        bounds: lowest and highest.
    """
    return float(bounds[0] + (bounds[1] - bounds[0]) * random.random())


def check_range(name: str, bounds: Any, lowest: float = -np.inf) -> None:
    """Refuse bounds that are not a pair of finite numbers in order.

    Args:
        name: of the parameter.
        bounds: lowest and highest.
        lowest: what the parameter may be at least.

    Raises:
        AugmentationError: they are not.
    """
    if not isinstance(bounds, tuple) or len(bounds) != 2 or not np.isfinite(bounds).all():
        raise AugmentationError(f"Expected {name}=(lowest, highest), got {bounds!r}.")
    if not lowest <= bounds[0] <= bounds[1]:
        limit = "" if lowest == -np.inf else f", not below {lowest:g}"
        raise AugmentationError(
            f"Expected {name}=(lowest, highest) in this order{limit}, got {bounds!r}."
        )


def check_size(size: Any) -> None:
    """Refuse what is not a tuple of positive integers.

    Args:
        size: pixels along the last spatial axes.

    Raises:
        AugmentationError: it is not.
    """
    if (
        not isinstance(size, tuple)
        or not size
        or not all(isinstance(n, int) and n > 0 for n in size)
    ):
        raise AugmentationError(
            f"Expected size=(height, width) of positive integers, got {size!r}."
        )


def check_border(border: str) -> None:
    """Refuse an unknown border.

    Args:
        border: what lies outside of an image.

    Raises:
        AugmentationError: it is none of `dhcore.image.Border`.
    """
    if border not in get_args(Border):
        raise AugmentationError(f"Expected a border out of {get_args(Border)}, got {border!r}.")


def check_probability(probability: float) -> None:
    """Refuse what is not within 0..1.

    Args:
        probability: of a transform.

    Raises:
        AugmentationError: it is not.
    """
    if not 0.0 <= probability <= 1.0:
        raise AugmentationError(f"Expected a probability within 0..1, got {probability!r}.")

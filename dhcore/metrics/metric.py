"""What a metric is: a way to count, and a way to read the counts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from dhcore.errors import ShapeError
from dhcore.metrics.tally import Tally

Array = NDArray[Any]
Counted = TypeVar("Counted", bound=Tally)


class Metric(ABC, Generic[Counted]):
    """A figure of merit that merges over any split of the samples."""

    __slots__ = ()

    #: What the figure is called in tables and histories.
    name: ClassVar[str]

    @abstractmethod
    def measure(self, prediction: Array, target: Array, weight: Array | None = None) -> Counted:
        """Count one part of a set.

        Args:
            prediction: what the model gave, (samples, channels, *spatial).
            target: the truth, of the same shape, or integer classes (samples, *spatial).
            weight: (samples,); every sample counts 1 by default, and one of weight 0 does not count.

        Raises:
            ShapeError: the arrays do not fit together.
        """

    @abstractmethod
    def result(self, tally: Counted) -> float:
        """Read the figure; not a number where it has no meaning (nothing to measure)."""

    def __call__(self, prediction: Array, target: Array, weight: Array | None = None) -> float:
        """Measure and read in one call."""
        return self.result(self.measure(prediction, target, weight))


def sample_weights(weight: Array | None, samples: int) -> NDArray[np.float64]:
    """The weights as a checked array of doubles."""
    if weight is None:
        return np.ones(samples)
    checked = np.asarray(weight, np.float64)
    if checked.shape != (samples,):
        raise ShapeError("weight", f"one weight per sample, ({samples},)", str(checked.shape))
    return checked


def is_class_index(prediction: Array, target: Array) -> bool:
    """Whether the target holds integer classes where the prediction has channels."""
    classes = prediction.shape[:1] + prediction.shape[2:]
    if target.shape == prediction.shape:
        return False
    if target.shape == classes and np.issubdtype(target.dtype, np.integer):
        return True
    raise ShapeError(
        "target",
        f"{prediction.shape} like the prediction, or integer classes of shape {classes}",
        f"{target.shape} {target.dtype.name}",
    )

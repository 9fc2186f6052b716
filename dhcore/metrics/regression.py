"""Errors of predicted numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from dhcore.errors import ShapeError
from dhcore.metrics.metric import Array, Metric, sample_weights
from dhcore.metrics.tally import Average


@final
@dataclass(frozen=True, slots=True)
class MeanAbsoluteError(Metric[Average]):
    """Mean of ``|prediction - target|`` over elements and samples.

    >>> MeanAbsoluteError()(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
    1.0
    """

    name: ClassVar[str] = "mean_absolute_error"

    def measure(self, prediction: Array, target: Array, weight: Array | None = None) -> Average:
        """Add the samples' mean errors up."""
        return _average(np.abs(_difference(prediction, target)), weight)

    def result(self, tally: Average) -> float:
        """The mean."""
        return tally.value


@final
@dataclass(frozen=True, slots=True)
class MeanSquaredError(Metric[Average]):
    """Mean of ``(prediction - target)**2`` over elements and samples.

    >>> MeanSquaredError()(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
    2.0
    """

    name: ClassVar[str] = "mean_squared_error"

    def measure(self, prediction: Array, target: Array, weight: Array | None = None) -> Average:
        """Add the samples' mean squares up."""
        return _average(_difference(prediction, target) ** 2, weight)

    def result(self, tally: Average) -> float:
        """The mean."""
        return tally.value


def _difference(prediction: Array, target: Array) -> NDArray[np.float64]:
    prediction, target = np.asarray(prediction, np.float64), np.asarray(target, np.float64)
    if prediction.shape != target.shape:
        raise ShapeError("target", f"{prediction.shape} like the prediction", str(target.shape))
    return prediction - target


def _average(errors: NDArray[np.float64], weight: Array | None) -> Average:
    samples = len(errors)
    weights = sample_weights(weight, samples)
    if not samples:
        return Average()
    return Average(float(errors.reshape(samples, -1).mean(axis=1) @ weights), float(weights.sum()))

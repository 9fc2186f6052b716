"""The confusion matrix: how often each class was taken for each other.

Classes exclude each other when there are several channels (the largest channel is the prediction). With one channel, or
with ``labels=True``, each channel is a question of its own (is it above the threshold?), and has a matrix of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from dhcore.errors import OperationError, ShapeError
from dhcore.metrics.metric import Array, is_class_index, sample_weights
from dhcore.metrics.tally import Tally

Counts = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Confusion(Tally):
    """Weighted counts of (truth, prediction); exact while the weights are whole numbers.

    >>> both = confusion_matrix(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]))
    >>> both.matrix
    array([[1., 1.],
           [0., 0.]])
    """

    #: (classes, classes) for classes that exclude each other, else (labels, 2, 2); the truth comes first.
    matrix: Counts

    def merged(self, other: Confusion) -> Confusion:
        """The counts of both parts."""
        if self.matrix.shape != other.matrix.shape:
            raise OperationError(
                f"confusion matrices of one shape merge, got {self.matrix.shape} and {other.matrix.shape}"
            )
        return Confusion(self.matrix + other.matrix)

    @property
    def true_positives(self) -> Counts:
        """Hits of each class or label."""
        return self.matrix[:, 1, 1] if self.matrix.ndim == 3 else np.diagonal(self.matrix)

    @property
    def false_positives(self) -> Counts:
        """What was taken for each class or label and is not."""
        if self.matrix.ndim == 3:
            return self.matrix[:, 0, 1]
        return np.asarray(self.matrix.sum(axis=0) - self.true_positives)

    @property
    def false_negatives(self) -> Counts:
        """What is of each class or label and was missed."""
        if self.matrix.ndim == 3:
            return self.matrix[:, 1, 0]
        return np.asarray(self.matrix.sum(axis=1) - self.true_positives)

    @property
    def correct(self) -> float:
        """Number of right decisions."""
        return float(np.trace(self.matrix, axis1=-2, axis2=-1).sum())

    @property
    def total(self) -> float:
        """Number of decisions."""
        return float(self.matrix.sum())


def confusion_matrix(
    prediction: Array,
    target: Array,
    weight: Array | None = None,
    *,
    threshold: float = 0.5,
    labels: bool | None = None,
) -> Confusion:
    """Count one part of a set.

    Args:
        prediction: scores, (samples, channels, *spatial).
        target: probabilities or one-hot of the same shape, or integer classes (samples, *spatial).
        weight: (samples,); 1 by default.
        threshold: a label is predicted where its score is above it: 0.5 for probabilities, 0 for logits.
        labels: whether each channel is a yes or no of its own; by default only a single channel is.

    Raises:
        ShapeError: the arrays do not fit together.
        OperationError: a class is not in ``range(channels)``.
    """
    prediction, target = np.asarray(prediction), np.asarray(target)
    if prediction.ndim < 2:
        raise ShapeError("prediction", "(samples, channels, *spatial)", str(prediction.shape))
    channels = prediction.shape[1]
    weights = sample_weights(weight, prediction.shape[0])
    if labels or (labels is None and channels == 1):
        truth = truth_of_labels(prediction, target)
        return Confusion(_count_labels(prediction > threshold, truth, weights))
    indexed = is_class_index(prediction, target)
    classes = _checked_classes(target, channels) if indexed else target.argmax(axis=1)
    return Confusion(_count(classes, prediction.argmax(axis=1), weights, channels))


def truth_of_labels(prediction: Array, target: Array) -> NDArray[np.bool_]:
    """What each channel of the target says, as yes or no; integer classes are spread over the channels."""
    if not is_class_index(prediction, target):
        return np.asarray(target > 0.5)
    if prediction.shape[1] == 1:
        return np.asarray(_checked_classes(target, 2)[:, np.newaxis] == 1)
    classes = _checked_classes(target, prediction.shape[1])
    return np.stack([classes == label for label in range(prediction.shape[1])], axis=1)


def _checked_classes(target: Array, classes: int) -> NDArray[np.int64]:
    found = target.astype(np.int64)
    if found.size and not 0 <= found.min() <= found.max() < classes:
        raise OperationError(
            f"expected classes from 0 to {classes - 1}, found {found.min()} to {found.max()}"
        )
    return found


def _count_labels(
    prediction: NDArray[np.bool_], truth: NDArray[np.bool_], weights: Counts
) -> Counts:
    channels = range(prediction.shape[1])
    return np.stack([_count(truth[:, i], prediction[:, i], weights, 2) for i in channels])


def _count(truth: Array, prediction: Array, weights: Counts, classes: int) -> Counts:
    pairs = truth.astype(np.int64) * classes + prediction
    # Adding doubles is several times slower than counting.
    spread = None if (weights == 1).all() else np.repeat(weights, pairs[0].size)
    counts = np.bincount(pairs.ravel(), weights=spread, minlength=classes**2)
    return np.asarray(counts, np.float64).reshape(classes, classes)

"""Figures read from the confusion matrix.

Every figure is first a figure per class, then their mean over the classes that occur. A class that neither the truth
nor the prediction contains has no figure (not a number) and does not enter the mean; a class that occurs only on one
side has the figure 0, recall and precision included. With nothing to measure the figure is not a number.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dhcore.metrics.confusion import Confusion, Counts, confusion_matrix
from dhcore.metrics.metric import Array, Metric


@dataclass(frozen=True, slots=True)
class ConfusionMetric(Metric[Confusion]):
    """A figure that the confusion matrix holds.

    Args:
        threshold: a label is predicted where its score is above it: 0.5 for probabilities, 0 for logits.
        labels: whether each channel is a yes or no of its own; by default only a single channel is.
    """

    threshold: float = 0.5
    labels: bool | None = None

    def measure(self, prediction: Array, target: Array, weight: Array | None = None) -> Confusion:
        """Count truth against prediction."""
        return confusion_matrix(
            prediction, target, weight, threshold=self.threshold, labels=self.labels
        )

    @abstractmethod
    def per_class(self, tally: Confusion) -> Counts:
        """The figure of each class or label; not a number for a class that does not occur."""

    def result(self, tally: Confusion) -> float:
        """The mean over the classes that occur."""
        figures = self.per_class(tally)
        present = figures[~np.isnan(figures)]
        return float(present.mean()) if present.size else float("nan")


@final
@dataclass(frozen=True, slots=True)
class Accuracy(ConfusionMetric):
    """Share of right decisions.

    >>> Accuracy()(np.array([[2.0, 1.0], [0.0, 3.0], [4.0, 1.0]]), np.array([0, 1, 1]))
    0.6666666666666666
    """

    name: ClassVar[str] = "accuracy"

    def per_class(self, tally: Confusion) -> Counts:
        """Share of each class's samples that were recognised."""
        return _ratio(tally.true_positives, tally.false_negatives, tally)

    def result(self, tally: Confusion) -> float:
        """Share of all decisions, whatever the class."""
        return tally.correct / tally.total if tally.total else float("nan")


@final
@dataclass(frozen=True, slots=True)
class BalancedAccuracy(ConfusionMetric):
    """Mean of the classes' recalls, over the classes the truth contains; for labels, mean of both answers' recalls.

    >>> BalancedAccuracy()(np.array([[2.0, 1.0], [0.0, 3.0], [4.0, 1.0]]), np.array([0, 1, 1]))
    0.75
    """

    name: ClassVar[str] = "balanced_accuracy"

    def per_class(self, tally: Confusion) -> Counts:
        """Recall of each class of the truth."""
        support = tally.matrix.sum(axis=-1)
        hits = np.diagonal(tally.matrix, axis1=-2, axis2=-1)
        recalls = np.full(support.shape, np.nan)
        np.divide(hits, support, out=recalls, where=support > 0)
        return recalls.reshape(-1)


@final
@dataclass(frozen=True, slots=True)
class IntersectionOverUnion(ConfusionMetric):
    """Jaccard index ``TP / (TP + FP + FN)``.

    >>> IntersectionOverUnion().per_class(Confusion(np.array([[2.0, 1.0], [1.0, 4.0]])))
    array([0.5       , 0.66666667])
    """

    name: ClassVar[str] = "iou"

    def per_class(self, tally: Confusion) -> Counts:
        """The index of each class."""
        return _ratio(tally.true_positives, tally.false_positives + tally.false_negatives, tally)


@final
@dataclass(frozen=True, slots=True)
class Dice(ConfusionMetric):
    """Dice coefficient ``2 TP / (2 TP + FP + FN)`` over all samples together.

    >>> Dice().per_class(Confusion(np.array([[2.0, 1.0], [1.0, 4.0]])))
    array([0.66666667, 0.8       ])
    """

    name: ClassVar[str] = "dice"

    def per_class(self, tally: Confusion) -> Counts:
        """The coefficient of each class."""
        misses = tally.false_positives + tally.false_negatives
        return _ratio(2 * tally.true_positives, misses, tally)


@final
@dataclass(frozen=True, slots=True)
class Precision(ConfusionMetric):
    """Share of what was taken for a class that is of it, ``TP / (TP + FP)``.

    >>> Precision().per_class(Confusion(np.array([[2.0, 2.0], [0.0, 4.0]])))
    array([1.        , 0.66666667])
    """

    name: ClassVar[str] = "precision"

    def per_class(self, tally: Confusion) -> Counts:
        """The share for each class."""
        return _ratio(tally.true_positives, tally.false_positives, tally)


@final
@dataclass(frozen=True, slots=True)
class Recall(ConfusionMetric):
    """Share of a class that was found, ``TP / (TP + FN)``.

    >>> Recall().per_class(Confusion(np.array([[2.0, 2.0], [0.0, 4.0]])))
    array([0.5, 1. ])
    """

    name: ClassVar[str] = "recall"

    def per_class(self, tally: Confusion) -> Counts:
        """The share for each class."""
        return _ratio(tally.true_positives, tally.false_negatives, tally)


@final
@dataclass(frozen=True, slots=True)
class F1(ConfusionMetric):
    """Harmonic mean of precision and recall, class by class; the same number as Dice, under its name in classification.

    >>> F1().per_class(Confusion(np.array([[2.0, 1.0], [1.0, 4.0]])))
    array([0.66666667, 0.8       ])
    """

    name: ClassVar[str] = "f1"

    def per_class(self, tally: Confusion) -> Counts:
        """The mean for each class."""
        misses = tally.false_positives + tally.false_negatives
        return _ratio(2 * tally.true_positives, misses, tally)


def _ratio(hits: Counts, misses: Counts, tally: Confusion) -> Counts:
    """hits / (hits + misses): 0 for 0 / 0, not a number for a class that does not occur."""
    whole = hits + misses
    occurs = tally.true_positives + tally.false_positives + tally.false_negatives > 0
    figures = np.where(occurs, 0.0, np.nan)
    return np.divide(hits, whole, out=figures, where=whole > 0)

"""Metrics: figures of merit that merge exactly over any split of the samples.

A metric measures a part of a set into a frozen :class:`Tally`; tallies merge; the metric reads the figure. What was
counted in ten tasks is what one pass would have counted: exactly so for everything read from the confusion matrix and
for the area under the curve (with whole weights), up to the rounding of a sum in double precision for averages.

>>> import numpy as np
>>> metric, scores, truth = Accuracy(), np.array([[0.9], [0.2], [0.6]]), np.array([1, 0, 0])
>>> halves = merge(metric.measure(scores[:1], truth[:1]), metric.measure(scores[1:], truth[1:]))
>>> metric.result(halves) == metric(scores, truth)
True
"""

from __future__ import annotations

from typing import Any, Final

from dhcore.errors import OperationError
from dhcore.metrics.confusion import Confusion, confusion_matrix
from dhcore.metrics.metric import Metric
from dhcore.metrics.overlap import (
    F1,
    Accuracy,
    BalancedAccuracy,
    ConfusionMetric,
    Dice,
    IntersectionOverUnion,
    Precision,
    Recall,
)
from dhcore.metrics.ranking import AreaUnderCurve, Ranking, Rankings
from dhcore.metrics.regression import MeanAbsoluteError, MeanSquaredError
from dhcore.metrics.tally import Average, Tally, merge

__all__ = [
    "F1",
    "Accuracy",
    "AreaUnderCurve",
    "Average",
    "BalancedAccuracy",
    "Confusion",
    "ConfusionMetric",
    "Dice",
    "IntersectionOverUnion",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "Ranking",
    "Rankings",
    "Recall",
    "Tally",
    "by_name",
    "confusion_matrix",
    "merge",
]

_OVERLAP: Final[dict[str, type[ConfusionMetric]]] = {
    metric.name: metric
    for metric in (
        Accuracy, BalancedAccuracy, Dice, F1, IntersectionOverUnion, Precision, Recall,
    )
}  # fmt: skip
_OTHERS: Final[dict[str, Metric[Any]]] = {
    metric.name: metric for metric in (AreaUnderCurve(), MeanAbsoluteError(), MeanSquaredError())
}


def by_name(name: str, *, threshold: float = 0.5, labels: bool | None = None) -> Metric[Any]:
    """The metric of that name.

    Args:
        name: ``"accuracy"``, ``"balanced_accuracy"``, ``"dice"``, ``"f1"``, ``"iou"``, ``"precision"``, ``"recall"``,
            ``"auc"``, ``"mean_absolute_error"`` or ``"mean_squared_error"``.
        threshold: where a label is decided, for the metrics that decide.
        labels: whether each channel is a yes or no of its own, for the metrics that decide.

    Raises:
        OperationError: no metric has that name; the message lists those there are.

    >>> by_name("iou", threshold=0.0)
    IntersectionOverUnion(threshold=0.0, labels=None)
    """
    if name in _OVERLAP:
        return _OVERLAP[name](threshold, labels)
    if name in _OTHERS:
        return _OTHERS[name]
    known = sorted([*_OVERLAP, *_OTHERS])
    raise OperationError(f"expected a metric among {known}, found {name!r}")

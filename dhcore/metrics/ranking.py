"""Area under the receiver operating characteristic, exactly.

The tally keeps every distinct score with the weight of positives and negatives that have it: a histogram whose bins
are the scores themselves. Nothing is rounded into bins, so a split set merges to the figure of the whole set, and
memory grows with the number of distinct scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from dhcore.errors import OperationError
from dhcore.metrics.confusion import truth_of_labels
from dhcore.metrics.metric import Array, Metric, sample_weights
from dhcore.metrics.tally import Tally

Doubles = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Distinct scores of one label, ascending, and what has them."""

    scores: Doubles
    #: Weight of the positives with that score.
    positives: Doubles
    #: Weight of the negatives with that score.
    negatives: Doubles

    def merged(self, other: Ranking) -> Ranking:
        """The ranking of both parts."""
        return _ranking(
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.positives, other.positives]),
            np.concatenate([self.negatives, other.negatives]),
        )

    @property
    def area(self) -> float:
        """Probability that a positive ranks above a negative, ties counting half."""
        pairs = self.positives.sum() * self.negatives.sum()
        below = np.cumsum(self.negatives) - self.negatives
        won = float(self.positives @ (below + self.negatives / 2))
        return won / float(pairs) if pairs else float("nan")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Rankings(Tally):
    """One ranking per label."""

    labels: tuple[Ranking, ...]

    def merged(self, other: Rankings) -> Rankings:
        """The rankings of both parts."""
        if len(self.labels) != len(other.labels):
            raise OperationError(
                f"rankings of as many labels merge, got {len(self.labels)} and {len(other.labels)}"
            )
        pairs = zip(self.labels, other.labels, strict=True)
        return Rankings(tuple(first.merged(second) for first, second in pairs))


@final
@dataclass(frozen=True, slots=True)
class AreaUnderCurve(Metric[Rankings]):
    """Probability that a positive ranks above a negative (Hanley and McNeil, 1982), each channel against the rest.

    The figure is the mean over the channels that have both positives and negatives; it is not a number without any. It
    depends on the order of the scores only, so for a single channel logits serve as well as probabilities.

    >>> AreaUnderCurve()(np.array([[0.1], [0.4], [0.35], [0.8]]), np.array([0, 0, 1, 1]))
    0.75
    """

    name: ClassVar[str] = "auc"

    def measure(self, prediction: Array, target: Array, weight: Array | None = None) -> Rankings:
        """Rank the scores of each channel."""
        prediction, target = np.asarray(prediction), np.asarray(target)
        if not np.isfinite(prediction).all():
            raise OperationError(
                "scores without a rank: the prediction holds values that are not finite"
            )
        truth = truth_of_labels(prediction, target)
        weights = sample_weights(weight, prediction.shape[0])
        channels = range(prediction.shape[1])
        return Rankings(tuple(_rank(prediction[:, i], truth[:, i], weights) for i in channels))

    def per_class(self, tally: Rankings) -> Doubles:
        """The area of each channel; not a number where positives or negatives are missing."""
        return np.array([label.area for label in tally.labels])

    def result(self, tally: Rankings) -> float:
        """The mean over the channels that have an area."""
        areas = self.per_class(tally)
        known = areas[~np.isnan(areas)]
        return float(known.mean()) if known.size else float("nan")


def _rank(scores: Array, truth: NDArray[np.bool_], weights: Doubles) -> Ranking:
    spread = np.repeat(weights, scores[0].size if len(scores) else 0)
    positive = truth.ravel()
    return _ranking(
        scores.ravel().astype(np.float64), spread * positive, spread * np.logical_not(positive)
    )


def _ranking(scores: Doubles, positives: Doubles, negatives: Doubles) -> Ranking:
    counted = positives + negatives > 0
    distinct, place = np.unique(scores[counted], return_inverse=True)
    size = distinct.size
    weights = (positives[counted], negatives[counted])
    counts = [np.bincount(place, weights=weight, minlength=size) for weight in weights]
    return Ranking(distinct, *(np.asarray(count, np.float64) for count in counts))

"""Metrics against loops over single decisions, and their merge over any split."""

from __future__ import annotations

import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhcore import metrics
from dhcore.errors import OperationError, ShapeError

OVERLAP = ["accuracy", "balanced_accuracy", "dice", "f1", "iou", "precision", "recall"]
EXACT = [*OVERLAP, "auc"]


def scores_and_classes(
    seed: int, samples: int, channels: int, *, spatial: tuple[int, ...] = ()
) -> Any:
    draw = np.random.default_rng(seed)
    # Coarse scores, so that ties happen.
    scores = np.round(draw.random((samples, channels, *spatial)), 1).astype(np.float32)
    return scores, draw.integers(0, max(channels, 2), (samples, *spatial))


def one_hot(classes: np.ndarray, channels: int) -> np.ndarray:
    return np.moveaxis(np.eye(channels, dtype=np.float32)[classes], -1, 1)


def counted_by_hand(scores: np.ndarray, classes: np.ndarray) -> list[tuple[int, int, int]]:
    """True positives, false positives, false negatives of each class, one decision at a time."""
    channels = scores.shape[1]
    counts = [[0, 0, 0] for _ in range(channels)]
    for where in np.ndindex(classes.shape):
        column = [float(scores[(where[0], c, *where[1:])]) for c in range(channels)]
        guess, truth = column.index(max(column)), int(classes[where])
        if guess == truth:
            counts[truth][0] += 1
        else:
            counts[guess][1] += 1
            counts[truth][2] += 1
    return [(a, b, c) for a, b, c in counts]


FORMULAS = {
    "iou": lambda tp, fp, fn: tp / (tp + fp + fn),
    "dice": lambda tp, fp, fn: 2 * tp / (2 * tp + fp + fn),
    "f1": lambda tp, fp, fn: 2 * tp / (2 * tp + fp + fn),
    "precision": lambda tp, fp, _fn: tp / (tp + fp) if tp + fp else 0.0,
    "recall": lambda tp, _fp, fn: tp / (tp + fn) if tp + fn else 0.0,
}


@pytest.mark.parametrize("name", sorted(FORMULAS))
@pytest.mark.parametrize("spatial", [(), (3, 4)])
def test_figures_per_class_follow_their_formula(name: str, spatial: tuple[int, ...]) -> None:
    scores, classes = scores_and_classes(3, 11, 4, spatial=spatial)
    metric: Any = metrics.by_name(name)
    expected = [FORMULAS[name](*counts) for counts in counted_by_hand(scores, classes)]
    tally = metric.measure(scores, classes)
    np.testing.assert_allclose(metric.per_class(tally), expected, rtol=1e-12)
    assert metric.result(tally) == pytest.approx(sum(expected) / len(expected))


def test_accuracy_counts_right_decisions() -> None:
    scores, classes = scores_and_classes(3, 11, 4, spatial=(5,))
    hits = sum(counts[0] for counts in counted_by_hand(scores, classes))
    assert metrics.Accuracy()(scores, classes) == pytest.approx(hits / classes.size)


def test_balanced_accuracy_is_the_mean_recall_of_the_classes_of_the_truth() -> None:
    scores = np.eye(3)[[0, 0, 1, 2]]
    assert metrics.BalancedAccuracy()(scores, np.array([0, 1, 1, 1])) == pytest.approx(
        (1 + 1 / 3) / 2
    )


def test_balanced_accuracy_of_a_single_channel_counts_both_answers() -> None:
    scores = np.array([[0.9], [0.9], [0.1], [0.9]])
    assert metrics.BalancedAccuracy()(scores, np.array([1, 1, 0, 0])) == pytest.approx(0.75)


@pytest.mark.parametrize("name", EXACT)
def test_integer_classes_and_one_hot_targets_say_the_same(name: str) -> None:
    scores, classes = scores_and_classes(5, 20, 3, spatial=(2, 2))
    metric = metrics.by_name(name)
    assert metric(scores, classes) == metric(scores, one_hot(classes, 3))


@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_parts_merge_to_the_whole_in_any_order(name: str, data: st.DataObject) -> None:
    channels = data.draw(st.integers(1, 3), label="channels")
    samples = data.draw(st.integers(0, 12), label="samples")
    scores, classes = scores_and_classes(data.draw(st.integers(0, 99)), samples, channels)
    cuts = sorted(data.draw(st.lists(st.integers(0, samples), max_size=3), label="cuts"))
    metric = metrics.by_name(name)
    parts = [
        metric.measure(scores[start:stop], classes[start:stop])
        for start, stop in itertools.pairwise([0, *cuts, samples])
    ]
    merged = pickle.loads(pickle.dumps(parts.pop(data.draw(st.integers(0, len(parts) - 1)))))
    while parts:
        part = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        merged = metrics.merge(part, merged) if len(parts) % 2 else metrics.merge(merged, part)
    whole = metric(scores, classes)
    assert metric.result(merged) == whole or (
        math.isnan(whole) and math.isnan(metric.result(merged))
    )


@pytest.mark.parametrize("name", [*EXACT, "mean_absolute_error", "mean_squared_error"])
def test_a_sample_of_weight_zero_does_not_count(name: str) -> None:
    scores, classes = scores_and_classes(1, 12, 3, spatial=(2,))
    target = one_hot(classes, 3)
    weight = np.array([1.0, 0.0] * 6)
    metric = metrics.by_name(name)
    assert metric(scores, target, weight) == pytest.approx(
        metric(scores[::2], target[::2]), rel=1e-12
    )


@pytest.mark.parametrize("name", [*EXACT, "mean_absolute_error", "mean_squared_error"])
def test_a_weight_of_two_is_the_sample_twice(name: str) -> None:
    scores, classes = scores_and_classes(1, 6, 3)
    target = one_hot(classes, 3)
    metric = metrics.by_name(name)
    twice = metric(np.concatenate([scores, scores[:2]]), np.concatenate([target, target[:2]]))
    assert metric(scores, target, np.array([2, 2, 1, 1, 1, 1])) == pytest.approx(twice, rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_the_area_is_the_share_of_pairs_ranked_right(drawn: list[tuple[int, bool]]) -> None:
    scores = np.array([[score / 4] for score, _ in drawn])
    truth = np.array([int(positive) for _, positive in drawn])
    ups = [score for score, positive in drawn if positive]
    downs = [score for score, positive in drawn if not positive]
    area = metrics.AreaUnderCurve()(scores, truth)
    if not ups or not downs:
        assert math.isnan(area)
        return
    won = sum((up > down) + (up == down) / 2 for up in ups for down in downs)
    assert area == pytest.approx(won / (len(ups) * len(downs)), rel=1e-12)


def test_a_single_channel_is_the_foreground_and_the_threshold_decides() -> None:
    logits = np.array([[[2.0, -1.0, 0.3, -3.0]]])
    target = np.array([[[1.0, 1.0, 0.0, 0.0]]])
    matrix = metrics.confusion_matrix(logits, target, threshold=0.0).matrix
    assert matrix.tolist() == [[[1, 1], [1, 1]]]
    assert metrics.Dice(threshold=0.0)(logits, target) == pytest.approx(0.5)
    assert metrics.Dice(threshold=1.0)(logits, target) == pytest.approx(2 / 3)


def test_labels_are_decided_one_by_one() -> None:
    scores = np.array([[0.9, 0.8], [0.1, 0.7]])
    target = np.array([[1.0, 1.0], [0.0, 0.0]])
    tally = metrics.Recall(labels=True).measure(scores, target)
    assert tally.matrix.shape == (2, 2, 2)
    assert metrics.Accuracy(labels=True).result(tally) == 0.75
    assert metrics.Precision().per_class(tally).tolist() == [1.0, 0.5]


def test_a_class_that_does_not_occur_has_no_figure_and_does_not_pull_the_mean() -> None:
    tally = metrics.confusion_matrix(np.eye(4)[[0, 1, 2]], np.array([0, 1, 1]))
    for name in ("iou", "dice", "precision", "recall"):
        metric: Any = metrics.by_name(name)
        figures = metric.per_class(tally)
        assert figures[0] == 1.0
        assert figures[2] == 0.0
        assert math.isnan(figures[3])
        assert metric.result(tally) == pytest.approx(figures[:3].mean())


@pytest.mark.parametrize("name", [*EXACT, "mean_absolute_error"])
def test_nothing_has_no_figure(name: str) -> None:
    assert math.isnan(metrics.by_name(name)(np.zeros((0, 3)), np.zeros((0, 3))))


def test_tallies_of_different_things_do_not_merge() -> None:
    one = metrics.confusion_matrix(np.zeros((1, 2)), np.zeros((1, 2)))
    other = metrics.confusion_matrix(np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(OperationError, match=r"\(2, 2\) and \(3, 3\)"):
        metrics.merge(one, other)
    with pytest.raises(OperationError, match="Confusion and Average"):
        metrics.merge(one, metrics.Average())  # type: ignore[type-var]


def test_arrays_that_do_not_fit_are_named() -> None:
    metric = metrics.Accuracy()
    with pytest.raises(
        ShapeError, match=r"target: expected \(4, 3\) like the prediction.*\(4, 2\)"
    ):
        metric(np.zeros((4, 3)), np.zeros((4, 2)))
    with pytest.raises(ShapeError, match=r"weight: expected one weight per sample, \(4,\)"):
        metric(np.zeros((4, 3)), np.zeros((4, 3)), np.ones(3))
    with pytest.raises(OperationError, match="classes from 0 to 2, found 0 to 3"):
        metric(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(OperationError, match="not finite"):
        metrics.AreaUnderCurve()(np.array([[np.nan]]), np.array([1]))


def test_an_unknown_metric_is_answered_with_the_known_ones() -> None:
    with pytest.raises(OperationError, match=r"'accuracy', 'auc'.*found 'accuracies'"):
        metrics.by_name("accuracies")

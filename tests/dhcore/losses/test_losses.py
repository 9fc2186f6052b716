"""Losses against loops in double precision, and how they combine."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from dhcore import losses
from dhcore.errors import OperationError
from dhcore.losses import Loss
from dhcore.tensor import Tensor
from dhcore.testing import check_gradients

SAMPLES, CHANNELS, POSITIONS = 3, 4, 5


def softmax(column: np.ndarray) -> list[float]:
    powers = [math.exp(float(value) - float(column.max())) for value in column]
    return [power / sum(powers) for power in powers]


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def cross_entropy(x: np.ndarray, t: np.ndarray) -> float:
    columns = [
        -sum(ti * math.log(pi) for ti, pi in zip(t[:, i], softmax(x[:, i]), strict=True))
        for i in range(x.shape[1])
    ]
    return sum(columns) / len(columns)


def binary_cross_entropy(x: np.ndarray, t: np.ndarray) -> float:
    parts = [
        -ti * math.log(sigmoid(xi)) - (1 - ti) * math.log(1 - sigmoid(xi))
        for xi, ti in zip(x.ravel(), t.ravel(), strict=True)
    ]
    return sum(parts) / len(parts)


def dice(p: np.ndarray, t: np.ndarray, smooth: float) -> float:
    parts = []
    for pi, ti in zip(p, t, strict=True):
        shared = sum(float(a) * float(b) for a, b in zip(pi, ti, strict=True))
        parts.append(1 - (2 * shared + smooth) / (float(pi.sum()) + float(ti.sum()) + smooth))
    return sum(parts) / len(parts)


def softmax_dice(x: np.ndarray, t: np.ndarray) -> float:
    return dice(np.stack([softmax(column) for column in x.T], axis=1), t, 1.0)


def sigmoid_dice(x: np.ndarray, t: np.ndarray) -> float:
    return dice(np.vectorize(sigmoid)(x), t, 0.5)


def squares(x: np.ndarray, t: np.ndarray) -> float:
    return float(((x - t) ** 2).mean())


BY_HAND = [
    (losses.SoftmaxCrossEntropy(), cross_entropy),
    (losses.BinaryCrossEntropy(), binary_cross_entropy),
    (losses.Dice(), softmax_dice),
    (losses.Dice(smooth=0.5, activation="sigmoid"), sigmoid_dice),
    (losses.MeanSquaredError(), squares),
    (
        losses.SoftmaxCrossEntropy() + 0.5 * losses.Dice(),
        lambda x, t: cross_entropy(x, t) + 0.5 * softmax_dice(x, t),
    ),
]
every_loss = pytest.mark.parametrize(
    ("loss", "by_hand"), BY_HAND, ids=lambda value: repr(value)[:40]
)


def data() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    classes = draw.integers(0, CHANNELS, (SAMPLES, POSITIONS))
    target = np.eye(CHANNELS)[classes].transpose(0, 2, 1)
    return draw.normal(0, 2, target.shape), target


@every_loss
def test_a_loss_is_the_weighted_mean_of_its_samples(loss: Loss, by_hand: object) -> None:
    x, t = data()
    weight = np.array([1.0, 0.0, 3.0])
    each = [by_hand(x[i], t[i]) for i in range(SAMPLES)]  # type: ignore[operator]
    plain = loss(Tensor(x), Tensor(t)).item()
    weighted = loss(Tensor(x), Tensor(t), Tensor(weight)).item()
    assert plain == pytest.approx(sum(each) / SAMPLES, rel=1e-10)
    assert weighted == pytest.approx((each[0] + 3 * each[2]) / 4, rel=1e-10)


@every_loss
def test_the_gradient_of_a_loss_is_its_slope(loss: Loss, by_hand: object) -> None:
    x, t = data()
    weight = Tensor(np.array([1.0, 0.5, 3.0]), device="reference")
    check_gradients(lambda logits: loss(logits, Tensor(t, device="reference"), weight), x)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_large_logits_do_not_overflow(offset: float) -> None:
    x = np.array([[1e4 + offset, offset]], np.float32)
    right, wrong = np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32)
    loss = losses.SoftmaxCrossEntropy()
    assert loss(Tensor(x), Tensor(right)).item() == 0
    assert loss(Tensor(x), Tensor(wrong)).item() == pytest.approx(1e4)
    binary = losses.BinaryCrossEntropy()
    extreme = Tensor(np.array([[1e4, -1e4]], np.float32))
    assert binary(extreme, Tensor(right)).item() == 0
    assert binary(extreme, Tensor(wrong)).item() == pytest.approx(1e4)


def test_an_empty_channel_predicted_empty_costs_nothing() -> None:
    nothing = Tensor(np.zeros((1, 1, 8)))
    assert losses.Dice(activation=None)(nothing, nothing).item() == 0


def test_a_softmax_of_one_channel_is_refused() -> None:
    # It is 1 whatever the logit: the loss would be 0 and nothing would be learned.
    with pytest.raises(
        OperationError, match=r"2 or more classes, found 1; .* binary_cross_entropy"
    ):
        losses.SoftmaxCrossEntropy()(Tensor(np.zeros((4, 1))), Tensor(np.ones((4, 1))))


def test_factors_multiply_through_sums() -> None:
    loss = 2 * (losses.BinaryCrossEntropy() + losses.MeanSquaredError() * 3)
    assert [(term.op, term.factor) for term in loss.terms(1)] == [
        ("binary_cross_entropy", 2.0),
        ("mean_squared_error", 6.0),
    ]


def test_names_are_known_and_others_answered_with_them() -> None:
    for name in ("softmax_cross_entropy", "binary_cross_entropy", "dice", "mean_squared_error"):
        assert losses.by_name(name) == pickle.loads(pickle.dumps(losses.by_name(name)))
    with pytest.raises(OperationError, match=r"'dice', .*found 'hinge'"):
        losses.by_name("hinge")
    with pytest.raises(OperationError, match="found 'relu'"):
        losses.Dice(activation="relu")  # type: ignore[arg-type]

"""Where kernels meet what is rare: NaN, infinity, ties, empty batches, several threads at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from dhcore import threads
from dhcore._ops import apply
from dhcore.device import KINDS
from dhcore.random import generator
from dhcore.tensor import Tensor
from dhcore.testing import assert_close

FLOAT32 = np.float32


def value(op: str, array: Any, device: str, **attributes: Any) -> np.ndarray[Any, Any]:
    result: Tensor = apply(op, Tensor(np.asarray(array, FLOAT32), device=device), **attributes)
    return result.numpy()


@pytest.mark.parametrize("device", KINDS)
@pytest.mark.parametrize(
    "op", ["relu", "leaky_relu", "elu", "sigmoid", "tanh", "softplus", "silu", "gelu"]
)
def test_an_activation_keeps_nan(device: str, op: str) -> None:
    assert np.isnan(value(op, [1.0, np.nan, -1.0], device)).tolist() == [False, True, False]


@pytest.mark.parametrize("device", KINDS)
@pytest.mark.parametrize(
    "op, low, high",
    [
        ("sigmoid", 0, 1),
        ("tanh", -1, 1),
        ("softplus", 0, 500),
        ("silu", 0, 500),
        ("gelu", 0, 500),
        ("elu", -1, 500),
    ],
)
def test_an_activation_does_not_overflow(device: str, op: str, low: float, high: float) -> None:
    np.testing.assert_allclose(value(op, [-500.0, 500.0], device), [low, high], atol=1e-6)


@pytest.mark.parametrize("device", KINDS)
@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
def test_a_large_offset_common_to_all_classes_changes_nothing(device: str, op: str) -> None:
    logits = np.array([[0.0, 1.0, -2.0]])
    np.testing.assert_allclose(
        value(op, logits + 4096, device), value(op, logits, device), atol=1e-6
    )


@pytest.mark.parametrize("device", KINDS)
@pytest.mark.parametrize("op", ["softmax_cross_entropy", "binary_cross_entropy"])
def test_a_loss_of_confident_logits_is_finite(device: str, op: str) -> None:
    x = Tensor(np.array([[200.0, -200.0]], FLOAT32), device=device, requires_grad=True)
    loss: Tensor = apply(op, x, np.array([[0.0, 1.0]], FLOAT32))
    loss.backward()
    assert loss.item() == pytest.approx(
        {"softmax_cross_entropy": 400, "binary_cross_entropy": 200}[op]
    )
    assert x.grad is not None
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("device", KINDS)
def test_the_first_of_equal_maxima_gets_the_gradient_and_a_nan_is_the_maximum(device: str) -> None:
    x = Tensor(
        np.array([[[3.0, 3.0, 1.0, np.nan, 5.0, 2.0]]], FLOAT32), device=device, requires_grad=True
    )
    y: Tensor = apply("max_pool", x, kernel=3)
    np.testing.assert_array_equal(y.numpy(), [[[3.0, np.nan]]])
    y.backward(np.ones((1, 1, 2), FLOAT32))
    assert x.grad is not None
    assert x.grad.numpy().tolist() == [[[1, 0, 0, 1, 0, 0]]]


@pytest.mark.parametrize("device", KINDS)
def test_padding_never_wins_a_maximum(device: str) -> None:
    result = value("max_pool", np.full((1, 1, 2, 2), -7.0), device, kernel=2, stride=1, padding=1)
    assert (result == -7).all()


@pytest.mark.parametrize("device", KINDS)
def test_a_constant_channel_normalises_to_its_shift(device: str) -> None:
    x = Tensor(np.full((4, 2, 3), 1000.0, FLOAT32), device=device)
    ones, shift = np.ones(2, FLOAT32), np.array([0.5, -1.0], FLOAT32)
    y: Tensor = apply("batch_norm", x, ones, shift, ones, ones, training=True)
    np.testing.assert_allclose(
        y.numpy(), np.broadcast_to(shift[None, :, None], (4, 2, 3)), atol=1e-6
    )


@pytest.mark.parametrize("device", KINDS)
def test_the_variance_of_a_channel_far_from_zero_keeps_its_digits(device: str) -> None:
    noise = generator(0, "far").standard_normal((8, 1, 500))
    x = Tensor((noise + 100).astype(FLOAT32), device=device)
    one, zero = np.ones(1, FLOAT32), np.zeros(1, FLOAT32)
    y: Tensor = apply("batch_norm", x, one, zero, zero, one, epsilon=1e-5, training=True)
    exact = x.numpy().astype(np.float64)
    assert_close(y.numpy(), (exact - exact.mean()) / np.sqrt(exact.var() + 1e-5), 5e-5)


@pytest.mark.parametrize("device", KINDS)
@pytest.mark.parametrize(
    "op, shapes, attributes",
    [
        ("convolution", [(0, 2, 5, 5), (3, 2, 3, 3), (3,)], {}),
        ("convolution_transpose", [(0, 2, 5), (2, 3, 3)], {}),
        ("linear", [(0, 4), (3, 4), (3,)], {}),
        ("max_pool", [(0, 2, 4, 4)], {"kernel": 2}),
        ("average_pool", [(0, 2, 4)], {"kernel": 2}),
        ("upsample", [(0, 2, 4)], {"factor": 2}),
        ("softmax", [(0, 3)], {}),
        ("relu", [(0, 3)], {}),
    ],
)
def test_an_empty_batch_has_an_empty_result_and_zero_gradients(
    device: str, op: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any]
) -> None:
    leaves = [
        Tensor(np.ones(shape, FLOAT32), device=device, requires_grad=True) for shape in shapes
    ]
    result: Tensor = apply(op, *leaves, **attributes)
    assert result.shape[0] == 0
    result.sum().backward()
    for leaf in leaves:
        assert leaf.grad is not None
        assert not leaf.grad.numpy().any()


def test_threads_that_compute_at_the_same_time_do_not_disturb_each_other() -> None:
    random = generator(1, "threads")
    x, w = (
        random.standard_normal(shape).astype(FLOAT32) for shape in ((4, 8, 20, 20), (16, 8, 3, 3))
    )

    def compute(number: int) -> np.ndarray[Any, Any]:
        with threads.limit(1 + number % 2):
            y: Tensor = apply("convolution", Tensor(x * (number + 1)), w, padding=1)
            return apply("relu", y).numpy() / (number + 1)

    expected = compute(0)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(compute, range(24)):
            assert_close(found, expected, 1e-5)

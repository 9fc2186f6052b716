from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dhcore._ops import apply, infer_sample_shape, infer_shape
from dhcore.errors import GradientError, OperationError, ShapeError
from dhcore.tensor import Tensor


@pytest.mark.parametrize(
    "op, shapes, attributes, words",
    [
        ("linear", [(2, 3, 4), (5, 12)], {}, "flatten"),
        ("linear", [(2, 3), (5, 4)], {}, r"\(N, 4\).*\(2, 3\)"),
        ("linear", [(2, 4), (5, 4), (4,)], {}, "bias"),
        ("convolution", [(2, 5, 5, 3), (8, 3, 3, 3)], {}, "channels come first"),
        ("convolution", [(2, 3, 8), (8, 3, 3, 3)], {}, "weight"),
        ("convolution", [(2, 3, 2, 2), (8, 3, 3, 3)], {}, "window's 3"),
        ("convolution", [(2, 4, 8, 8), (9, 2, 3, 3)], {"groups": 2}, "divide"),
        (
            "convolution_transpose",
            [(2, 3, 4), (3, 2, 2)],
            {"stride": 2, "output_padding": 2},
            "output_padding",
        ),
        ("max_pool", [(2, 3)], {"kernel": 2}, "spatial"),
        ("max_pool", [(2, 3, 8)], {"kernel": 2, "padding": 2}, "padding alone"),
        ("batch_norm", [(2, 3), (3,), (3,), (4,), (3,)], {}, "mean"),
        ("softmax_cross_entropy", [(4, 3), (4,)], {}, "one-hot"),
        ("softmax_cross_entropy", [(4, 3), (4, 3), (3,)], {}, "weight"),
        ("dice_loss", [(4, 3), (4, 3)], {}, "spatial"),
        ("concatenate", [(2, 3, 4), (2, 3, 5)], {}, "crop"),
        ("transpose", [(2, 3)], {"axes": (0, 0)}, "once"),
        ("softmax", [(2, 3)], {"axis": 2}, "axis"),
    ],
)
def test_shapes_that_do_not_fit_are_told_before_anything_is_computed(
    op: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ShapeError, match=words) as caught:
        infer_shape(op, shapes, attributes)
    assert caught.value.subject == op


@pytest.mark.parametrize(
    "op, shapes, attributes, words",
    [
        ("convoluton", [(2,)], {}, "convolution"),
        ("relu", [(2,), (2,)], {}, "expected 1 arguments"),
        ("linear", [(2, 3)], {}, "2 to 3"),
        ("relu", [(2,)], {"alpha": 1}, "alpha"),
        ("max_pool", [(2, 3, 8)], {}, "kernel"),
        ("max_pool", [(2, 3, 8)], {"kernel": (2, 2)}, "1 numbers"),
        ("convolution", [(2, 3, 8), (4, 3, 3)], {"padding": ((1, -1),)}, "pairs"),
        ("upsample", [(2, 3, 8)], {"factor": 2, "mode": "cubic"}, "cubic"),
        ("dropout", [(2, 3)], {"rate": 1.0}, "rate"),
    ],
)
def test_a_wrong_call_is_told_with_what_is_right(
    op: str, shapes: list[tuple[int, ...]], attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(OperationError, match=words):
        infer_shape(op, shapes, attributes)


@pytest.mark.parametrize(
    "op, inputs, slots, attributes, expected",
    [
        (
            "convolution",
            [(3, 8, 8)],
            [(4, 3, 3, 3), (4,)],
            {"padding": ((1, 1), (0, 0))},
            (4, 8, 6),
        ),
        ("reshape", [(4, 2, 2)], [], {"shape": (-1,)}, (16,)),
        ("concatenate", [(2, 5), (3, 5)], [], {"axis": 1}, (5, 5)),
        ("global_average_pool", [(7, 4, 4)], [], {}, (7,)),
        ("softmax_cross_entropy", [(3, 4), (3, 4), ()], [], {}, ()),
    ],
)
def test_shapes_of_samples_lack_the_batch(
    op: str,
    inputs: list[Any],
    slots: list[Any],
    attributes: dict[str, Any],
    expected: tuple[int, ...],
) -> None:
    assert infer_sample_shape(op, inputs, slots, attributes) == expected


def test_one_number_stands_for_every_axis() -> None:
    random = np.random.default_rng(0)
    x, w = (
        Tensor(random.standard_normal((2, 3, 8, 8))),
        Tensor(random.standard_normal((4, 3, 3, 3))),
    )
    short = apply("convolution", x, w, stride=2, padding=1)
    full = apply(
        "convolution", x, w, stride=(2, 2), padding=((1, 1), (1, 1)), dilation=(1, 1), groups=1
    )
    np.testing.assert_array_equal(short.numpy(), full.numpy())


def test_asking_for_the_gradient_of_a_target_is_an_error_that_names_it() -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    loss = apply("mean_squared_error", x, Tensor(np.zeros((2, 3)), requires_grad=True))
    with pytest.raises(GradientError, match="target"):
        loss.backward()


def test_a_batch_of_weight_zero_has_no_loss_and_no_gradient() -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    loss = apply("mean_squared_error", x, np.zeros((2, 3)), np.zeros(2))
    loss.backward()
    assert loss.item() == 0
    assert x.grad is not None
    assert not x.grad.numpy().any()


@pytest.mark.parametrize(
    "op", ["softmax_cross_entropy", "binary_cross_entropy", "mean_squared_error"]
)
def test_the_gradient_of_a_union_is_the_mean_of_its_parts_by_weight(op: str) -> None:
    random = np.random.default_rng(2)
    x, target, weight = random.standard_normal((6, 3)), random.random((6, 3)), random.random(6)

    def gradient(rows: slice) -> Any:
        leaf = Tensor(x[rows], requires_grad=True)
        apply(op, leaf, target[rows], weight[rows]).backward()
        assert leaf.grad is not None
        return leaf.grad.numpy() * weight[rows].sum()

    parts = np.concatenate([gradient(slice(0, 2)), gradient(slice(2, 6))])
    np.testing.assert_allclose(parts, gradient(slice(0, 6)), atol=1e-12)

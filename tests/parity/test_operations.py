"""The operations against PyTorch: value and gradients, in float32 and by the same tolerance as against loops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from dhcore._ops import apply
from dhcore.random import generator
from dhcore.tensor import Tensor
from dhcore.testing import assert_close, tolerance

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.parity


@dataclass(frozen=True)
class Case:
    op: str
    shapes: tuple[tuple[int, ...], ...]
    theirs: Callable[..., Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    training: bool = False
    #: Arguments with gradients; the rest is positive (variances, weights, targets).
    differentiable: int = 99

    def __str__(self) -> str:
        return f"{self.op}-{'-'.join('x'.join(map(str, shape)) for shape in self.shapes)}-{self.training}"


def _convolution(
    x: tuple[int, ...], w: tuple[int, ...], stride: int, padding: int, dilation: int, groups: int
) -> Case:
    theirs = (F.conv1d, F.conv2d, F.conv3d)[len(x) - 3]
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return Case("convolution", (x, w, w[:1]), lambda *a: theirs(*a, **window), window)


def _transposed(
    x: tuple[int, ...], w: tuple[int, ...], stride: int, padding: int, extra: int, groups: int
) -> Case:
    theirs = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[len(x) - 3]
    window = {"stride": stride, "padding": padding, "output_padding": extra, "groups": groups}
    return Case(
        "convolution_transpose", (x, w, (w[1] * groups,)), lambda *a: theirs(*a, **window), window
    )


def _norm(shape: tuple[int, ...], *, training: bool) -> Case:
    def theirs(x: Any, scale: Any, shift: Any, mean: Any, variance: Any) -> Any:
        return F.batch_norm(x, mean, variance, scale, shift, training, 0.1, 1e-5)

    c = shape[1:2]
    return Case(
        "batch_norm", (shape, c, c, c, c), theirs, {"momentum": 0.1, "epsilon": 1e-5}, training, 3
    )


def _cross_entropy(logits: Any, target: Any) -> Any:
    return F.cross_entropy(logits, target)


CASES = [
    _convolution((8, 3, 32, 32), (16, 3, 7, 7), 2, 3, 1, 1),
    _convolution((4, 16, 17, 19), (32, 16, 3, 3), 1, 1, 1, 1),
    _convolution((4, 16, 14, 14), (32, 16, 1, 1), 2, 0, 1, 1),
    _convolution((4, 16, 17, 19), (16, 1, 5, 5), 1, 2, 1, 16),
    _convolution((2, 8, 15, 15), (12, 4, 3, 3), 1, 2, 2, 2),
    _convolution((4, 6, 50), (8, 6, 5), 3, 2, 1, 1),
    _convolution((2, 4, 9, 10, 11), (6, 4, 3, 3, 3), 2, 1, 1, 1),
    _transposed((4, 8, 9, 10), (8, 6, 2, 2), 2, 0, 0, 1),
    _transposed((2, 8, 7, 7), (8, 3, 3, 3), 2, 1, 1, 2),
    _transposed((2, 4, 5, 4, 3), (4, 3, 2, 2, 2), 2, 0, 0, 1),
    Case("linear", ((32, 100), (50, 100), (50,)), F.linear),
    Case(
        "max_pool",
        ((4, 8, 17, 18),),
        lambda x: F.max_pool2d(x, 3, 2, 1),
        {"kernel": 3, "stride": 2, "padding": 1},
    ),
    Case("max_pool", ((2, 3, 8, 8, 8),), lambda x: F.max_pool3d(x, 2), {"kernel": 2}),
    Case(
        "average_pool",
        ((4, 8, 17, 18),),
        lambda x: F.avg_pool2d(x, 3, 2, 1),
        {"kernel": 3, "stride": 2, "padding": 1},
    ),
    Case(
        "average_pool",
        ((4, 8, 17),),
        lambda x: F.avg_pool1d(x, 3, 2, 1, count_include_pad=False),
        {"kernel": 3, "stride": 2, "padding": 1, "count_include_pad": False},
    ),
    Case("global_average_pool", ((4, 8, 7, 7),), lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1)),
    *(
        _norm(shape, training=training)
        for shape in ((16, 8), (4, 8, 9, 9), (2, 4, 5, 5, 5))
        for training in (True, False)
    ),
    Case("relu", ((4, 100),), F.relu),
    Case("leaky_relu", ((4, 100),), lambda x: F.leaky_relu(x, 0.1), {"alpha": 0.1}),
    Case("elu", ((4, 100),), lambda x: F.elu(x, 0.7), {"alpha": 0.7}),
    Case("sigmoid", ((4, 100),), F.sigmoid),
    Case("tanh", ((4, 100),), F.tanh),
    Case("softplus", ((4, 100),), F.softplus),
    Case("silu", ((4, 100),), F.silu),
    Case("gelu", ((4, 100),), F.gelu),
    Case("softmax", ((4, 10, 6, 5),), lambda x: F.softmax(x, 1)),
    Case("log_softmax", ((4, 10, 6, 5),), lambda x: F.log_softmax(x, 1)),
    Case("upsample", ((2, 4, 7, 8),), lambda x: F.interpolate(x, scale_factor=2), {"factor": 2}),
    Case(
        "upsample",
        ((2, 4, 7, 8),),
        lambda x: F.interpolate(x, scale_factor=(2, 3), mode="bilinear", align_corners=False),
        {"factor": (2, 3), "mode": "linear"},
    ),
    Case(
        "upsample",
        ((1, 2, 3, 4, 5),),
        lambda x: F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False),
        {"factor": 2, "mode": "linear"},
    ),
    Case("matmul", ((3, 1, 5, 6), (4, 6, 7)), torch.matmul),
    Case("maximum", ((4, 5), (5,)), torch.maximum),
    Case("divide", ((4, 5), (4, 1)), torch.divide, differentiable=2),
    Case("softmax_cross_entropy", ((8, 10), (8, 10)), _cross_entropy, differentiable=1),
    Case("softmax_cross_entropy", ((4, 5, 9, 7), (4, 5, 9, 7)), _cross_entropy, differentiable=1),
    Case(
        "binary_cross_entropy",
        ((8, 1, 9), (8, 1, 9)),
        F.binary_cross_entropy_with_logits,
        differentiable=1,
    ),
    Case("mean_squared_error", ((8, 3, 4), (8, 3, 4)), F.mse_loss, differentiable=1),
]


@pytest.mark.parametrize("device", ["reference", "cpu"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_gradients_and_buffers_are_those_of_torch(case: Case, device: str) -> None:
    random = generator(11, str(case))
    arrays = [random.standard_normal(shape).astype(np.float32) for shape in case.shapes]
    moving = [position < case.differentiable for position in range(len(arrays))]
    arrays = [array if moves else abs(array) for array, moves in zip(arrays, moving, strict=True)]
    ours = [
        Tensor(array.copy(), device=device, requires_grad=moves)
        for array, moves in zip(arrays, moving, strict=True)
    ]
    theirs = [
        torch.tensor(array, requires_grad=moves)
        for array, moves in zip(arrays, moving, strict=True)
    ]
    result, expected = (
        apply(case.op, *ours, training=case.training, **case.attributes),
        case.theirs(*theirs),
    )
    error = tolerance(device, "float32")
    assert_close(result.numpy(), expected.detach().numpy(), error.forward)
    direction = random.standard_normal(result.shape).astype(np.float32)
    result.backward(direction)
    expected.backward(torch.tensor(direction))
    for mine, other, moves in zip(ours, theirs, moving, strict=True):
        if moves:
            assert mine.grad is not None
            assert_close(mine.grad.numpy(), other.grad.numpy(), error.gradient)
        else:
            # batch_norm has moved its buffers in both.
            assert_close(mine.numpy(), other.numpy(), error.forward)

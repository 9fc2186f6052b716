"""Batch normalisation: the statistics of the batch while training, running ones otherwise.

While training the running statistics move by ``momentum`` towards those of the batch; the variance of the batch is
biased where it normalises and unbiased where it is kept.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dhcore._backends.base import Array, Shape
from dhcore._ops import dtype_rules
from dhcore._ops.operation import Attributes, Call, Gradients, Operation, Shapes
from dhcore._ops.shape_rules import fail, given, require_vector


def _shape(shapes: Shapes, _attributes: Attributes) -> Shape:
    x = given(shapes, 0)
    if len(x) < 2:
        fail("batch_norm", "x of shape (N, C, *S)", x)
    for name, shape in zip(("scale", "shift", "mean", "variance"), shapes[1:], strict=True):
        require_vector("batch_norm", name, shape, x[1])
    return x


def _forward(call: Call) -> Array:
    x, scale, shift, mean, variance = call.inputs
    epsilon = call.attributes["epsilon"]
    if not call.training:
        return call.kernels("batch_norm", x, scale, shift, mean, variance, epsilon=epsilon)
    y, batch_mean, batch_variance = call.kernels(
        "batch_norm_training", x, scale, shift, epsilon=epsilon
    )
    call.saved = (batch_mean, batch_variance)
    assert x is not None
    count = x.size // x.shape[1]
    call.updates = {
        3: _moved(call, mean, batch_mean, 1.0),
        4: _moved(call, variance, batch_variance, count / max(count - 1, 1)),
    }
    return y


def _moved(call: Call, running: Array, batch: Array, factor: float) -> Array:
    """``(1 - momentum) * running + momentum * factor * batch``."""
    momentum, k = call.attributes["momentum"], call.kernels
    kept = k("multiply", running, np.asarray(1 - momentum, running.dtype))
    return k("add", kept, k("multiply", batch, np.asarray(momentum * factor, running.dtype)))


def _backward(call: Call, g: Array) -> Gradients:
    x, scale, _, mean, variance = call.inputs
    epsilon = call.attributes["epsilon"]
    if call.training:
        gradients = call.kernels(
            "batch_norm_training_backward", g, x, scale, *call.saved, epsilon=epsilon
        )
    else:
        gradients = call.kernels(
            "batch_norm_backward", g, x, scale, mean, variance, epsilon=epsilon
        )
    return (*gradients, None, None)


OPERATIONS: Final = (
    Operation(
        "batch_norm",
        ("x", "scale", "shift", "mean", "variance"),
        _shape,
        dtype_rules.floating,
        _backward,
        _forward,
        attributes={"momentum": 0.1, "epsilon": 1e-5},
        onnx="BatchNormalization",
    ),
)

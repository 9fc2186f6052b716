"""Losses: one number per sample, then the mean of the samples by their weights.

``loss = sum_i weight_i * loss_i / sum_i weight_i``, so a batch padded with samples of weight 0 has the loss of the
batch, and the gradient of a union is the mean of the parts' gradients by their sums of weights. Targets and
weights have no gradients.
"""

from __future__ import annotations

from typing import Any, Final

from dhcore._backends.base import Array, Shape
from dhcore._ops import dtype_rules
from dhcore._ops.operation import Attributes, Call, Gradients, Operation, Shapes
from dhcore._ops.shape_rules import fail, given, require_vector


def _shape(name: str, prediction: str, least: int) -> Any:
    def rule(shapes: Shapes, _attributes: Attributes) -> Shape:
        x, target = given(shapes, 0), given(shapes, 1)
        if len(x) < least:
            form = ("(N, ...)", "(N, C, *S)", "(N, C, *S) with 1 or more spatial axes")[least - 1]
            fail(name, f"{prediction} of shape {form}", x)
        if x != target:
            hint = (
                "classes are given one-hot: as many channels as there are classes"
                if least > 1
                else ""
            )
            fail(name, f"target of the shape of {prediction}, {x}", target, hint)
        require_vector(name, "weight", shapes[2], x[0])
        return ()

    return rule


def _softmax_cross_entropy(call: Call) -> Array:
    loss, probabilities = call.kernels("softmax_cross_entropy", *call.inputs)
    call.saved = (probabilities,)
    return loss


def _softmax_cross_entropy_backward(call: Call, g: Array) -> Gradients:
    _, target, weight = call.inputs
    return (
        call.kernels("softmax_cross_entropy_backward", g, *call.saved, target, weight),
        None,
        None,
    )


def _by_kernel(call: Call, g: Array) -> Gradients:
    gradient = call.kernels(f"{call.operation.name}_backward", g, *call.inputs, **call.attributes)
    return gradient, None, None


def _row(
    name: str, prediction: str, least: int, onnx: str, backward: Any = _by_kernel, **rest: Any
) -> Operation:
    arguments = (prediction, "target", "weight")
    rule = _shape(name, prediction, least)
    return Operation(
        name,
        arguments,
        rule,
        dtype_rules.floating,
        backward,
        optional=1,
        onnx=onnx,
        is_loss=True,
        **rest,
    )


OPERATIONS: Final = (
    _row(
        "softmax_cross_entropy",
        "logits",
        2,
        "SoftmaxCrossEntropyLoss",
        _softmax_cross_entropy_backward,
        forward=_softmax_cross_entropy,
    ),
    _row("binary_cross_entropy", "logits", 1, ""),
    _row("dice_loss", "probabilities", 3, "", attributes={"smooth": 1.0}),
    _row("mean_squared_error", "prediction", 1, ""),
)

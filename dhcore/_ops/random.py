"""Dropout: nothing but the identity outside training."""

from __future__ import annotations

from typing import Any, Final

from dhcore._backends.base import Array
from dhcore._ops import dtype_rules
from dhcore._ops.operation import REQUIRED, Call, Gradients, Operation, Shapes
from dhcore._ops.shape_rules import same
from dhcore.errors import OperationError


def _complete(_shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
    if not 0 <= attributes["rate"] < 1:
        raise OperationError(
            f"dropout: expected a rate from 0 to below 1; found {attributes['rate']!r}"
        )
    return attributes


def _forward(call: Call) -> Array:
    rate = call.attributes["rate"]
    if not call.training or rate == 0:
        return call.inputs[0]
    y, mask = call.kernels("dropout", call.inputs[0], rate=rate, key=call.key)
    call.saved = (mask,)
    return y


def _backward(call: Call, g: Array) -> Gradients:
    if not call.saved:
        return (g,)
    return (call.kernels("dropout_backward", g, *call.saved, rate=call.attributes["rate"]),)


OPERATIONS: Final = (
    Operation(
        "dropout",
        ("x",),
        same,
        dtype_rules.floating,
        _backward,
        _forward,
        attributes={"rate": REQUIRED},
        complete=_complete,
        onnx="Dropout",
    ),
)

"""Enlarging by whole factors."""

from __future__ import annotations

from typing import Any, Final

from dhcore._backends.base import Array, Shape
from dhcore._ops import dtype_rules
from dhcore._ops.operation import REQUIRED, Attributes, Call, Gradients, Operation, Shapes
from dhcore._ops.shape_rules import given, require_spatial
from dhcore._ops.window import per_axis
from dhcore.errors import OperationError

_MODES: Final = ("nearest", "linear")


def _complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
    rank = require_spatial("upsample", given(shapes, 0))
    if attributes["mode"] not in _MODES:
        raise OperationError(
            f"upsample: expected a mode among {_MODES}; found {attributes['mode']!r}"
        )
    return {**attributes, "factor": per_axis("upsample", "factor", attributes["factor"], rank)}


def _shape(shapes: Shapes, attributes: Attributes) -> Shape:
    x = given(shapes, 0)
    return (
        *x[:2],
        *(extent * factor for extent, factor in zip(x[2:], attributes["factor"], strict=True)),
    )


def _backward(call: Call, g: Array) -> Gradients:
    x = call.inputs[0]
    assert x is not None
    return (call.kernels("upsample_backward", g, shape=x.shape, **call.attributes),)


OPERATIONS: Final = (
    Operation(
        "upsample",
        ("x",),
        _shape,
        dtype_rules.floating,
        _backward,
        attributes={"factor": REQUIRED, "mode": "nearest"},
        complete=_complete,
        onnx="Resize",
    ),
)

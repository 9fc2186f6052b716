"""Maximum and mean over windows."""

from __future__ import annotations

from typing import Any, Final

from dhcore._backends.base import Array, Shape
from dhcore._ops import dtype_rules
from dhcore._ops.operation import REQUIRED, Attributes, Call, Gradients, Operation, Shapes
from dhcore._ops.shape_rules import fail, given, require_spatial
from dhcore._ops.window import pairs, per_axis, positions


def _complete(name: str) -> Any:
    def complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
        rank = require_spatial(name, given(shapes, 0))
        kernel = per_axis(name, "kernel", attributes["kernel"], rank)
        stride = kernel if attributes["stride"] is None else attributes["stride"]
        return {
            **attributes,
            "kernel": kernel,
            "stride": per_axis(name, "stride", stride, rank),
            "padding": pairs(name, attributes["padding"], rank),
        }

    return complete


def _shape(name: str) -> Any:
    def rule(shapes: Shapes, attributes: Attributes) -> Shape:
        x, kernel, padding = given(shapes, 0), attributes["kernel"], attributes["padding"]
        if any(max(pair) >= k for pair, k in zip(padding, kernel, strict=True)):
            fail(
                name,
                f"padding smaller than the kernel {kernel}",
                padding,
                "a window would hold padding alone",
            )
        return (
            *x[:2],
            *positions(name, x[2:], kernel, attributes["stride"], padding, (1,) * len(kernel)),
        )

    return rule


def _input_shape(call: Call) -> Shape:
    argument = call.inputs[0]
    assert argument is not None
    shape: Shape = argument.shape
    return shape


def _max_pool(call: Call) -> Array:
    y, offsets = call.kernels("max_pool", call.inputs[0], **call.attributes)
    call.saved = (offsets,)
    return y


def _max_pool_backward(call: Call, g: Array) -> Gradients:
    return (call.kernels("max_pool_backward", g, *call.saved, shape=_input_shape(call)),)


def _average_pool_backward(call: Call, g: Array) -> Gradients:
    return (call.kernels("average_pool_backward", g, shape=_input_shape(call), **call.attributes),)


def _global_shape(shapes: Shapes, _attributes: Attributes) -> Shape:
    x = given(shapes, 0)
    require_spatial("global_average_pool", x)
    return x[:2]


def _global_backward(call: Call, g: Array) -> Gradients:
    return (call.kernels("global_average_pool_backward", g, shape=_input_shape(call)),)


OPERATIONS: Final = (
    Operation(
        "max_pool",
        ("x",),
        _shape("max_pool"),
        dtype_rules.floating,
        _max_pool_backward,
        _max_pool,
        attributes={"kernel": REQUIRED, "stride": None, "padding": 0},
        complete=_complete("max_pool"),
        onnx="MaxPool",
    ),
    Operation(
        "average_pool",
        ("x",),
        _shape("average_pool"),
        dtype_rules.floating,
        _average_pool_backward,
        attributes={"kernel": REQUIRED, "stride": None, "padding": 0, "count_include_pad": True},
        complete=_complete("average_pool"),
        onnx="AveragePool",
    ),
    Operation(
        "global_average_pool",
        ("x",),
        _global_shape,
        dtype_rules.floating,
        _global_backward,
        onnx="GlobalAveragePool",
    ),
)

"""Activations and functions of one array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from dhcore._backends.base import Array
from dhcore._ops import dtype_rules
from dhcore._ops.operation import REQUIRED, Call, Gradients, Operation
from dhcore._ops.shape_rules import same


def _by_kernel(call: Call, g: Array) -> Gradients:
    kernel = f"{call.operation.name}_backward"
    return (call.kernels(kernel, g, call.inputs[0], call.output, **call.attributes),)


def _exp(call: Call, g: Array) -> Gradients:
    return (call.kernels("multiply", g, call.output),)


def _log(call: Call, g: Array) -> Gradients:
    return (call.kernels("divide", g, call.inputs[0]),)


def _sqrt(call: Call, g: Array) -> Gradients:
    return (call.kernels("divide", g, call.kernels("add", call.output, call.output)),)


def _abs(call: Call, g: Array) -> Gradients:
    return (call.kernels("multiply", g, call.kernels("sign", call.inputs[0])),)


def _negate(call: Call, g: Array) -> Gradients:
    return (call.kernels("negate", g),)


def _scaled(call: Call, array: Array | None) -> Array:
    assert array is not None
    return call.kernels("multiply", array, np.asarray(call.attributes["factor"], array.dtype))


def _scale(call: Call) -> Array:
    return _scaled(call, call.inputs[0])


def _scale_backward(call: Call, g: Array) -> Gradients:
    return (_scaled(call, g),)


def _row(
    name: str,
    onnx: str,
    backward: Callable[[Call, Array], Gradients] | None = _by_kernel,
    *,
    dtype: Any = dtype_rules.floating,
    **attributes: Any,
) -> Operation:
    return Operation(name, ("x",), same, dtype, backward, attributes=attributes, onnx=onnx)


OPERATIONS: Final = (
    _row("relu", "Relu"),
    _row("leaky_relu", "LeakyRelu", alpha=0.01),
    _row("elu", "Elu", alpha=1.0),
    _row("sigmoid", "Sigmoid"),
    _row("tanh", "Tanh"),
    _row("softplus", "Softplus"),
    _row("silu", "Swish"),
    _row("gelu", "Gelu"),
    _row("exp", "Exp", _exp),
    _row("log", "Log", _log),
    _row("sqrt", "Sqrt", _sqrt),
    _row("abs", "Abs", _abs, dtype=dtype_rules.numeric),
    _row("negate", "Neg", _negate, dtype=dtype_rules.numeric),
    _row("sign", "Sign", None, dtype=dtype_rules.numeric),
    Operation(
        "scale",
        ("x",),
        same,
        dtype_rules.floating,
        _scale_backward,
        _scale,
        attributes={"factor": REQUIRED},
        onnx="Mul",
    ),
)

"""Products of matrices."""

from __future__ import annotations

from typing import Final

from dhcore._backends.base import Array, Shape
from dhcore._ops import dtype_rules
from dhcore._ops.operation import Attributes, Call, Gradients, Operation, Shapes
from dhcore._ops.shape_rules import broadcast, fail, given, require_vector


def _linear_shape(shapes: Shapes, _attributes: Attributes) -> Shape:
    x, weight = given(shapes, 0), given(shapes, 1)
    if len(weight) != 2:
        fail("linear", "weight of shape (O, I)", weight)
    if len(x) != 2 or x[1] != weight[1]:
        hint = (
            "flatten x first"
            if len(x) > 2
            else f"the weight of shape {weight} takes {weight[1]} features"
        )
        fail("linear", f"x of shape (N, {weight[1]})", x, hint)
    require_vector("linear", "bias", shapes[2], weight[0])
    return x[0], weight[0]


def _linear(call: Call, g: Array) -> Gradients:
    x, weight, bias = call.inputs
    k = call.kernels
    return (
        k("linear_backward_data", g, weight) if call.needs[0] else None,
        k("linear_backward_weights", g, x) if call.needs[1] else None,
        k("bias_backward", g) if bias is not None and call.needs[2] else None,
    )


def _matmul_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    a, b = given(shapes, 0), given(shapes, 1)
    if min(len(a), len(b)) < 2 or a[-1] != b[-2]:
        fail(
            "matmul",
            "a of shape (..., M, K) and b of shape (..., K, L)",
            f"{a} and {b}",
            "transpose one of them",
        )
    leading = broadcast("matmul")((a[:-2], b[:-2]), attributes)
    return (*leading, a[-2], b[-1])


def _turned(call: Call, array: Array) -> Array:
    rank = array.ndim
    return call.kernels("transpose", array, axes=(*range(rank - 2), rank - 1, rank - 2))


def _matmul(call: Call, g: Array) -> Gradients:
    a, b = call.inputs
    k = call.kernels
    assert a is not None
    assert b is not None
    return (
        k("sum_to", k("matmul", g, _turned(call, b)), shape=a.shape) if call.needs[0] else None,
        k("sum_to", k("matmul", _turned(call, a), g), shape=b.shape) if call.needs[1] else None,
    )


OPERATIONS: Final = (
    Operation(
        "linear",
        ("x", "weight", "bias"),
        _linear_shape,
        dtype_rules.floating,
        _linear,
        optional=1,
        onnx="Gemm",
    ),
    Operation("matmul", ("a", "b"), _matmul_shape, dtype_rules.numeric, _matmul, onnx="MatMul"),
)

"""Sums, means and extremes over axes, and softmax along one."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from dhcore._backends.base import Array, Shape
from dhcore._ops import dtype_rules
from dhcore._ops.operation import Attributes, Call, Gradients, Operation, Shapes
from dhcore._ops.shape_rules import axes_of, axis_of, fail, given, same


def _reduced_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    axes, keepdims = attributes["axes"], attributes["keepdims"]
    extents = enumerate(given(shapes, 0))
    return tuple(
        1 if axis in axes else extent for axis, extent in extents if keepdims or axis not in axes
    )


def _kept_shape(shape: Shape, axes: Shape) -> Shape:
    return tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))


def _stretched(call: Call, array: Array) -> Array:
    """Lay a reduced array out over the shape it was reduced from."""
    argument = call.inputs[0]
    assert argument is not None
    kept = call.kernels(
        "reshape", array, shape=_kept_shape(argument.shape, call.attributes["axes"])
    )
    return call.kernels("broadcast_to", kept, shape=argument.shape)


def _sum(call: Call, g: Array) -> Gradients:
    return (_stretched(call, g),)


def _mean(call: Call, g: Array) -> Gradients:
    argument = call.inputs[0]
    assert argument is not None
    count = np.asarray(argument.size // max(call.output.size, 1), g.dtype)
    return (_stretched(call, call.kernels("divide", g, count)),)


def _extreme(call: Call, g: Array) -> Gradients:
    """Equal extremes share the gradient."""
    k = call.kernels
    chosen = k("cast", k("equal", call.inputs[0], _stretched(call, call.output)), dtype=g.dtype)
    ties = k("sum", chosen, axes=call.attributes["axes"], keepdims=call.attributes["keepdims"])
    return (k("multiply", chosen, _stretched(call, k("divide", g, ties))),)


def _softmax(call: Call, g: Array) -> Gradients:
    return (call.kernels(f"{call.operation.name}_backward", g, call.output, **call.attributes),)


def _all_axes(name: str) -> Any:
    def complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
        shape = given(shapes, 0)
        axes = axes_of(name, attributes["axes"], len(shape))
        if name in ("max", "min", "mean") and any(shape[axis] == 0 for axis in axes):
            fail(name, "axes that are not empty", shape)
        return {**attributes, "axes": axes}

    return complete


def _one_axis(name: str) -> Any:
    def complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
        return {**attributes, "axis": axis_of(name, attributes["axis"], len(given(shapes, 0)))}

    return complete


def _argmax_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    shape, axis = given(shapes, 0), attributes["axis"]
    return (*shape[:axis], *shape[axis + 1 :])


def _row(name: str, onnx: str, dtype: Any, backward: Any) -> Operation:
    attributes = {"axes": None, "keepdims": False}
    complete = _all_axes(name)
    return Operation(
        name,
        ("x",),
        _reduced_shape,
        dtype,
        backward,
        attributes=attributes,
        complete=complete,
        onnx=onnx,
    )


def _softmax_row(name: str, onnx: str) -> Operation:
    return Operation(
        name,
        ("x",),
        same,
        dtype_rules.floating,
        _softmax,
        attributes={"axis": 1},
        complete=_one_axis(name),
        onnx=onnx,
    )


OPERATIONS: Final = (
    _row("sum", "ReduceSum", dtype_rules.total, _sum),
    _row("mean", "ReduceMean", dtype_rules.quotient, _mean),
    _row("max", "ReduceMax", dtype_rules.numeric, _extreme),
    _row("min", "ReduceMin", dtype_rules.numeric, _extreme),
    Operation(
        "argmax",
        ("x",),
        _argmax_shape,
        dtype_rules.index,
        attributes={"axis": 1},
        complete=_one_axis("argmax"),
        onnx="ArgMax",
    ),
    _softmax_row("softmax", "Softmax"),
    _softmax_row("log_softmax", "LogSoftmax"),
)

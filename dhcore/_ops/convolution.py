"""Convolution and its transpose.

A transposed convolution is the derivative of a convolution by its data, read forwards; so the three kernels
(``convolution``, ``..._backward_data``, ``..._backward_weights``) serve both operations and both their derivatives.
"""

from __future__ import annotations

from typing import Any, Final

from dhcore._backends.base import Array, Shape
from dhcore._ops import dtype_rules
from dhcore._ops.operation import Attributes, Call, Gradients, Operation, Shapes
from dhcore._ops.shape_rules import fail, given, require_spatial, require_vector
from dhcore._ops.window import pairs, per_axis, positions

_WINDOW: Final = ("stride", "padding", "dilation", "groups")


def _complete(name: str) -> Any:
    def complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
        rank = require_spatial(name, given(shapes, 0))
        result = {
            **attributes,
            "stride": per_axis(name, "stride", attributes["stride"], rank),
            "padding": pairs(name, attributes["padding"], rank),
            "dilation": per_axis(name, "dilation", attributes["dilation"], rank),
        }
        if "output_padding" in attributes:
            result["output_padding"] = per_axis(
                name, "output_padding", attributes["output_padding"], rank, least=0
            )
        return result

    return complete


def _check(name: str, shapes: Shapes, groups: int, *, transposed: bool) -> int:
    """Check ranks, channels and groups; return the number of channels that come out."""
    x, weight = given(shapes, 0), given(shapes, 1)
    form = "(C, O/groups, *K)" if transposed else "(O, C/groups, *K)"
    if len(weight) != len(x):
        fail(
            name,
            f"weight of shape {form} with {len(x) - 2} spatial axes",
            weight,
            f"x has the shape {x}",
        )
    channels = weight[0] if transposed else weight[1] * groups
    if x[1] != channels:
        hint = f"the weight of shape {weight} in {groups} groups takes {channels} channels; channels come first"
        fail(name, f"x with {channels} channels", x, hint)
    if groups < 1 or weight[0] % groups:
        fail(name, "groups that divide the channels", f"{groups} groups and {weight[0]} channels")
    out = weight[1] * groups if transposed else weight[0]
    require_vector(name, "bias", shapes[2], out)
    return out


def _window(attributes: Attributes) -> dict[str, Any]:
    return {name: attributes[name] for name in _WINDOW}


def _shape(shapes: Shapes, attributes: Attributes) -> Shape:
    out = _check("convolution", shapes, attributes["groups"], transposed=False)
    x, weight = given(shapes, 0), given(shapes, 1)
    window = (attributes["stride"], attributes["padding"], attributes["dilation"])
    return (x[0], out, *positions("convolution", x[2:], weight[2:], *window))


def _backward(call: Call, g: Array) -> Gradients:
    x, weight, bias = call.inputs
    assert x is not None
    assert weight is not None
    k, window = call.kernels, _window(call.attributes)
    return (
        k("convolution_backward_data", g, weight, shape=x.shape, **window)
        if call.needs[0]
        else None,
        k("convolution_backward_weights", g, x, shape=weight.shape, **window)
        if call.needs[1]
        else None,
        k("bias_backward", g) if bias is not None and call.needs[2] else None,
    )


def _transposed_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    name = "convolution_transpose"
    out = _check(name, shapes, attributes["groups"], transposed=True)
    x, weight = given(shapes, 0), given(shapes, 1)
    columns = (attributes[key] for key in ("stride", "padding", "dilation", "output_padding"))
    extents = []
    for size, k, s, (low, high), d, extra in zip(x[2:], weight[2:], *columns, strict=True):
        if extra >= max(s, d):
            fail(name, f"output_padding below the stride {s} or the dilation {d}", extra)
        extents.append((size - 1) * s - low - high + d * (k - 1) + 1 + extra)
    if min(extents) < 1:
        fail(name, "an output of 1 or more", tuple(extents), "use less padding")
    return (x[0], out, *extents)


def _transposed(call: Call) -> Array:
    x, weight, bias = call.inputs
    shapes = tuple(None if array is None else array.shape for array in call.inputs)
    shape = _transposed_shape(shapes, call.attributes)
    y = call.kernels(
        "convolution_backward_data", x, weight, shape=shape, **_window(call.attributes)
    )
    return y if bias is None else call.kernels("bias_add", y, bias)


def _transposed_backward(call: Call, g: Array) -> Gradients:
    x, weight, bias = call.inputs
    assert weight is not None
    k, window = call.kernels, _window(call.attributes)
    return (
        k("convolution", g, weight, None, **window) if call.needs[0] else None,
        k("convolution_backward_weights", x, g, shape=weight.shape, **window)
        if call.needs[1]
        else None,
        k("bias_backward", g) if bias is not None and call.needs[2] else None,
    )


OPERATIONS: Final = (
    Operation(
        "convolution",
        ("x", "weight", "bias"),
        _shape,
        dtype_rules.floating,
        _backward,
        attributes={"stride": 1, "padding": 0, "dilation": 1, "groups": 1},
        complete=_complete("convolution"),
        optional=1,
        onnx="Conv",
    ),
    Operation(
        "convolution_transpose",
        ("x", "weight", "bias"),
        _transposed_shape,
        dtype_rules.floating,
        _transposed_backward,
        _transposed,
        attributes={"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1},
        complete=_complete("convolution_transpose"),
        optional=1,
        onnx="ConvTranspose",
    ),
)

"""Rearranging, joining and selecting elements."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from dhcore._backends.base import Array, Shape
from dhcore._ops import dtype_rules
from dhcore._ops.operation import REQUIRED, Attributes, Call, Gradients, Operation, Shapes
from dhcore._ops.shape_rules import axes_of, axis_of, fail, given
from dhcore._ops.window import pairs
from dhcore.errors import OperationError


def _input_shape(call: Call) -> Shape:
    argument = call.inputs[0]
    assert argument is not None
    shape: Shape = argument.shape
    return shape


def _reshape_complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
    """Work out the one extent that may be given as -1."""
    shape = given(shapes, 0)
    wanted = tuple(int(extent) for extent in attributes["shape"])
    size, known = math.prod(shape), math.prod(extent for extent in wanted if extent != -1)
    if wanted.count(-1) == 1 and known and size % known == 0:
        wanted = tuple(size // known if extent == -1 else extent for extent in wanted)
    if min(wanted, default=0) < 0 or math.prod(wanted) != size:
        fail("reshape", f"a shape of {size} elements", wanted, f"x has the shape {shape}")
    return {"shape": wanted}


def _reshape_lower(attributes: Attributes, batch: int) -> Attributes:
    return {"shape": (batch, *attributes["shape"])}


def _wanted_shape(_shapes: Shapes, attributes: Attributes) -> Shape:
    shape: Shape = attributes["shape"]
    return shape


def _reshape(call: Call, g: Array) -> Gradients:
    return (call.kernels("reshape", g, shape=_input_shape(call)),)


def _transpose_complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
    rank = len(given(shapes, 0))
    axes = tuple(reversed(range(rank))) if attributes["axes"] is None else attributes["axes"]
    axes = axes_of("transpose", axes, rank)
    if len(axes) != rank:
        fail("transpose", f"a permutation of {rank} axes", axes)
    return {"axes": axes}


def _transpose_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    return tuple(given(shapes, 0)[axis] for axis in attributes["axes"])


def _transpose(call: Call, g: Array) -> Gradients:
    inverse = tuple(int(axis) for axis in np.argsort(call.attributes["axes"]))
    return (call.kernels("transpose", g, axes=inverse),)


def _broadcast_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    shape, wanted = given(shapes, 0), tuple(attributes["shape"])
    matched = zip(reversed(shape), reversed(wanted), strict=False)
    if len(shape) > len(wanted) or any(old not in (1, new) for old, new in matched):
        fail("broadcast_to", f"a shape that broadcasts to {wanted}", shape)
    return wanted


def _broadcast(call: Call, g: Array) -> Gradients:
    return (call.kernels("sum_to", g, shape=_input_shape(call)),)


def _concatenate_complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"axis": axis_of("concatenate", attributes["axis"], len(given(shapes, 0)))}


def _concatenate_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    axis = attributes["axis"]
    first = given(shapes, 0)
    for position in range(1, len(shapes)):
        other = given(shapes, position)
        if len(other) != len(first) or (*other[:axis], *other[axis + 1 :]) != (
            *first[:axis],
            *first[axis + 1 :],
        ):
            hint = "crop, pad or resize one of them"
            fail("concatenate", f"shapes equal to {first} but along axis {axis}", other, hint)
    return (
        *first[:axis],
        sum(given(shapes, i)[axis] for i in range(len(shapes))),
        *first[axis + 1 :],
    )


def _concatenate(call: Call, g: Array) -> Gradients:
    axis, start, result = call.attributes["axis"], 0, []
    for argument in call.inputs:
        assert argument is not None
        stop = start + argument.shape[axis]
        result.append(
            call.kernels("slice", g, axes=(axis,), starts=(start,), stops=(stop,), steps=(1,))
        )
        start = stop
    return tuple(result)


def _slice_complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
    axes = axes_of("slice", attributes["axes"], len(given(shapes, 0)))
    steps = attributes["steps"] or (1,) * len(axes)
    complete = {
        "axes": axes,
        "starts": attributes["starts"],
        "stops": attributes["stops"],
        "steps": steps,
    }
    complete = {name: tuple(value) for name, value in complete.items()}
    if {len(value) for value in complete.values()} != {len(axes)} or 0 in steps:
        raise OperationError(
            f"slice: expected a start, a stop and a step other than 0 for each axis; found {complete!r}"
        )
    return complete


def _slice_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    extents = list(given(shapes, 0))
    bounds = zip(*(attributes[name] for name in ("axes", "starts", "stops", "steps")), strict=True)
    for axis, start, stop, step in bounds:
        extents[axis] = len(range(*slice(start, stop, step).indices(extents[axis])))
    return tuple(extents)


def _slice(call: Call, g: Array) -> Gradients:
    return (call.kernels("slice_backward", g, shape=_input_shape(call), **call.attributes),)


def _pad_complete(shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
    rank = len(given(shapes, 0))
    padding = tuple(attributes["padding"])
    if len(padding) > rank:
        fail("pad", f"(low, high) for at most {rank} axes", padding)
    return {**attributes, "padding": pairs("pad", padding, len(padding))}


def _pad_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    shape, padding = given(shapes, 0), attributes["padding"]
    first = len(shape) - len(padding)
    padded = (extent + sum(pair) for extent, pair in zip(shape[first:], padding, strict=True))
    return (*shape[:first], *padded)


def _pad(call: Call, g: Array) -> Gradients:
    shape, padding = _input_shape(call), call.attributes["padding"]
    axes = tuple(range(len(shape) - len(padding), len(shape)))
    starts = tuple(low for low, _ in padding)
    stops = tuple(low + shape[axis] for axis, (low, _) in zip(axes, padding, strict=True))
    return (
        call.kernels("slice", g, axes=axes, starts=starts, stops=stops, steps=(1,) * len(axes)),
    )


def _take_shape(shapes: Shapes, attributes: Attributes) -> Shape:
    # A view of one element stands for the array: only the shape of what indexing returns is asked for.
    stand_in: Array = np.broadcast_to(np.zeros((), np.bool_), given(shapes, 0))
    try:
        shape: Shape = stand_in[attributes["index"]].shape
    except IndexError as error:
        fail("take", f"an index into the shape {given(shapes, 0)}", attributes["index"], str(error))
    return shape


def _take(call: Call, g: Array) -> Gradients:
    return (call.kernels("take_backward", g, shape=_input_shape(call), **call.attributes),)


def _row(
    name: str, onnx: str, shape: Any, backward: Any, *, complete: Any = None, **attributes: Any
) -> Operation:
    rest: dict[str, Any] = {} if complete is None else {"complete": complete}
    return Operation(
        name,
        ("x",),
        shape,
        dtype_rules.unchanged,
        backward,
        attributes=attributes,
        onnx=onnx,
        **rest,
    )


OPERATIONS: Final = (
    Operation(
        "reshape",
        ("x",),
        _wanted_shape,
        dtype_rules.unchanged,
        _reshape,
        attributes={"shape": REQUIRED},
        complete=_reshape_complete,
        lower=_reshape_lower,
        onnx="Reshape",
    ),
    _row(
        "transpose",
        "Transpose",
        _transpose_shape,
        _transpose,
        complete=_transpose_complete,
        axes=None,
    ),
    Operation(
        "broadcast_to",
        ("x",),
        _broadcast_shape,
        dtype_rules.unchanged,
        _broadcast,
        attributes={"shape": REQUIRED},
        onnx="Expand",
    ),
    Operation(
        "concatenate",
        ("xs",),
        _concatenate_shape,
        dtype_rules.numeric,
        _concatenate,
        attributes={"axis": 1},
        complete=_concatenate_complete,
        variadic=True,
        onnx="Concat",
    ),
    _row(
        "slice",
        "Slice",
        _slice_shape,
        _slice,
        complete=_slice_complete,
        axes=REQUIRED,
        starts=REQUIRED,
        stops=REQUIRED,
        steps=None,
    ),
    _row("pad", "Pad", _pad_shape, _pad, complete=_pad_complete, padding=REQUIRED, value=0.0),
    _row("take", "GatherND", _take_shape, _take, index=REQUIRED),
)

"""Shape rules that several families share, and how they tell what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import numpy as np

from dhcore._backends.base import Shape
from dhcore._ops.operation import Attributes, Shapes
from dhcore.errors import ShapeError

ShapeRule = Callable[[Shapes, Attributes], Shape]


def fail(operation: str, expected: str, found: object, hint: str = "") -> NoReturn:
    """Raise the error of a shape that does not fit."""
    raise ShapeError(operation, expected, str(found), hint)


def given(shapes: Shapes, position: int) -> Shape:
    """Shape of an argument that is never left out."""
    shape = shapes[position]
    assert shape is not None
    return shape


def same(shapes: Shapes, _attributes: Attributes) -> Shape:
    """The shape of the first argument."""
    return given(shapes, 0)


def broadcast(operation: str) -> ShapeRule:
    """NumPy's broadcasting of all arguments."""

    def rule(shapes: Shapes, _attributes: Attributes) -> Shape:
        present = [shape for shape in shapes if shape is not None]
        try:
            return np.broadcast_shapes(*present)
        except ValueError:
            found = " and ".join(map(str, present))
            hint = "axes are matched from the last one; each pair must be equal or contain a 1"
        fail(operation, "shapes that broadcast", found, hint)

    return rule


def axis_of(operation: str, axis: int, rank: int) -> int:
    """An axis counted from 0."""
    if not -rank <= axis < rank:
        fail(operation, f"an axis from {-rank} to {rank - 1}", axis)
    return axis % rank


def axes_of(operation: str, axes: int | tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    """Axes counted from 0, in order; None stands for all of them."""
    if axes is None:
        return tuple(range(rank))
    listed = (axes,) if isinstance(axes, int) else tuple(axes)
    found = tuple(axis_of(operation, axis, rank) for axis in listed)
    if len(set(found)) != len(found):
        fail(operation, "each axis once", axes)
    return found


def require_spatial(operation: str, shape: Shape) -> int:
    """Check that a shape is (N, C, *S); return the number of spatial axes."""
    rank = len(shape) - 2
    if rank < 1:
        fail(
            operation,
            "x of shape (N, C, *S) with 1 or more spatial axes",
            shape,
            "reshape it, channels first",
        )
    return rank


def require_vector(operation: str, name: str, shape: Shape | None, extent: int) -> None:
    """Check that an optional argument has one number for each channel."""
    if shape is not None and shape != (extent,):
        fail(operation, f"{name} of shape ({extent},)", shape)

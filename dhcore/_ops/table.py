"""The table: every operation there is, family by family, and how a row is looked up, checked and run."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dhcore._backends.base import Array, Shape
from dhcore._backends.registry import Kernels
from dhcore._ops import (
    arithmetic,
    convolution,
    elementwise,
    linear,
    loss,
    normalisation,
    pooling,
    random,
    reduction,
    resize,
    shape,
)
from dhcore._ops.operation import Attributes, Call, Operation, Shapes
from dhcore.errors import OperationError

OPERATIONS: Final[Mapping[str, Operation]] = {
    row.name: row
    for family in (
        elementwise,
        arithmetic,
        reduction,
        shape,
        linear,
        convolution,
        pooling,
        normalisation,
        resize,
        random,
        loss,
    )
    for row in family.OPERATIONS
}


def operation(name: str) -> Operation:
    """Look a row up by name."""
    row = OPERATIONS.get(name)
    if row is None:
        near = difflib.get_close_matches(name, OPERATIONS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(OPERATIONS)}"
        raise OperationError(f"expected an operation of the table; found {name!r}{hint}")
    return row


def filled(row: Operation, arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Check the number of arguments and put None for those left out."""
    row.check_count(len(arguments))
    missing = 0 if row.variadic else len(row.arguments) - len(arguments)
    return (*arguments, *(None,) * missing)


def infer_shape(name: str, shapes: Sequence[Shape | None], attributes: Attributes) -> Shape:
    """Return the shape of the result, the batch included.

    Raises:
        ShapeError: The shapes do not fit together.
        OperationError: There is no such operation or attribute, or the number of arguments is wrong.
    """
    row = operation(name)
    given: Shapes = filled(row, [None if shape is None else tuple(shape) for shape in shapes])
    return row.shape(given, row.completed(given, attributes))


def infer_sample_shape(
    name: str, inputs: Sequence[Shape], slots: Sequence[Shape], attributes: Attributes
) -> Shape:
    """Return the shape of one sample of a graph node: ``inputs`` lack the batch, ``slots`` have none.

    A loss has the shape ``()``; its weight, an input of shape ``()``, is one number for each sample.
    """
    row = operation(name)
    # Any batch will do; 2 tells it from an axis that broadcasts.
    batch = 2
    result = infer_shape(
        name, [*((batch, *shape) for shape in inputs), *slots], row.lower(attributes, batch)
    )
    return result if row.is_loss else result[1:]


def evaluate(
    row: Operation,
    kernels: Kernels,
    arrays: Sequence[Array | None],
    attributes: Attributes,
    *,
    needs: tuple[bool, ...],
    training: bool = False,
    key: tuple[int, int, int] = (0, 0, 0),
) -> Call:
    """Check, convert and compute; the call that comes back has its output and all its derivative needs."""
    shapes = tuple(None if array is None else tuple(array.shape) for array in arrays)
    complete = row.completed(shapes, attributes)
    row.shape(shapes, complete)
    dtypes = row.dtype([None if array is None else array.dtype for array in arrays])
    inputs = tuple(
        array
        if array is None or dtype is None or array.dtype == dtype
        else kernels("cast", array, dtype=dtype)
        for array, dtype in zip(arrays, dtypes.arguments, strict=True)
    )
    call = Call(row, kernels, inputs, complete, needs, training, key)
    call.forward()
    return call

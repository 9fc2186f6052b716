"""Eager computation: an operation applied to variables now, and remembered when a gradient may be asked for."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from dhcore._backends.base import Array
from dhcore._backends.registry import kernels
from dhcore._ops.operation import Operation
from dhcore._ops.table import evaluate, filled, operation
from dhcore._ops.tape import Record, Variable, is_recording
from dhcore.device import Device
from dhcore.dtypes import DEFAULT, as_dtype, is_floating
from dhcore.errors import DeviceError, OperationError

V = TypeVar("V", bound=Variable)


def apply(
    name: str,
    /,
    *arguments: V | Any,
    training: bool = False,
    key: tuple[int, int, int] = (0, 0, 0),
    **attributes: Any,
) -> V:
    """Apply an operation of the table.

    Args:
        name: Name in the table, as in ``"convolution"``.
        arguments: Variables in the operation's order, at least one; arrays and numbers beside them are converted.
        training: Whether batch_norm and dropout behave as in training; batch_norm then gives the tensors of its
            statistics their new values.
        key: Seed, node and step that name the random numbers of dropout.
        attributes: Attributes of the operation.

    Raises:
        ShapeError: The shapes do not fit together.
        DtypeError: The operation does not work in these dtypes.
        DeviceError: The variables are on different devices.
        OperationError: There is no such operation or attribute.

    >>> from dhcore.tensor import Tensor
    >>> apply("relu", Tensor([-1.0, 2.0]))
    Tensor([0., 2.], dtype=float32)
    """
    row = operation(name)
    given = filled(row, arguments)
    first = next((argument for argument in given if isinstance(argument, Variable)), None)
    if first is None:
        raise OperationError(
            f"{name}: expected at least one Tensor; found {[type(part).__name__ for part in given]!r}"
        )
    device = _common_device(row, given)
    arrays = [_as_array(argument, first.array) for argument in given]
    recording = is_recording() and row.backward is not None
    needs = tuple(recording and isinstance(part, Variable) and part.requires_grad for part in given)
    call = evaluate(
        row, kernels(device), arrays, attributes, needs=needs, training=training, key=key
    )
    for position, value in call.updates.items():
        if isinstance(given[position], Variable):
            given[position].array = value
    parents = tuple(part if isinstance(part, Variable) else None for part in given)
    record = Record(call, parents) if any(needs) else None
    return type(first).wrap(call.output, device, record)  # type: ignore[return-value]  # V is the type of the first


def _common_device(row: Operation, given: tuple[Any, ...]) -> Device:
    devices = {argument.device for argument in given if isinstance(argument, Variable)}
    if len(devices) > 1:
        found = " and ".join(sorted(map(str, devices)))
        raise DeviceError(
            f"{row.name}: expected tensors on one device; found {found}; move them with to(device)"
        )
    return devices.pop()


def _as_array(argument: Any, first: Array) -> Array | None:
    if argument is None or isinstance(argument, Variable):
        return None if argument is None else argument.array
    if isinstance(argument, bool | int | float):
        # A Python number takes the type of the array it meets; a fraction makes floats of integers.
        if isinstance(argument, float) and not is_floating(first.dtype):
            return np.asarray(argument, DEFAULT)
        return np.asarray(argument, first.dtype if first.dtype != np.bool_ else None)
    array = np.asarray(argument)
    return array.astype(as_dtype(array.dtype), copy=False)

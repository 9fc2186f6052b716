"""Windows that slide over spatial axes: stride, padding, dilation, and how many positions there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dhcore._backends.base import Shape
from dhcore._ops.shape_rules import fail
from dhcore.errors import OperationError

Padding = tuple[tuple[int, int], ...]


def per_axis(
    operation: str, name: str, value: int | Sequence[int], rank: int, *, least: int = 1
) -> Shape:
    """One number for each spatial axis, given one for all or one for each."""
    values = (value,) * rank if isinstance(value, int) else tuple(int(number) for number in value)
    if len(values) != rank or any(number < least for number in values):
        raise OperationError(
            f"{operation}: expected {name} of {rank} numbers >= {least}; found {value!r}"
        )
    return values


def pairs(operation: str, value: Any, rank: int) -> Padding:
    """A pair (low, high) for each spatial axis, given one number for all, or a number or a pair for each."""
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    result = tuple(
        (pad, pad) if isinstance(pad, int) else tuple(int(side) for side in pad) for pad in values
    )
    if len(result) != rank or any(len(pair) != 2 or min(pair) < 0 for pair in result):
        raise OperationError(
            f"{operation}: expected padding of {rank} pairs (low, high) >= 0; found {value!r}"
        )
    return tuple((pair[0], pair[1]) for pair in result)


def positions(
    operation: str, spatial: Shape, kernel: Shape, stride: Shape, padding: Padding, dilation: Shape
) -> Shape:
    """Number of positions along each axis: ``(S + low + high - dilation * (K - 1) - 1) // stride + 1``."""
    extents = []
    for size, k, s, (low, high), d in zip(spatial, kernel, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        if size + low + high < reach:
            found = f"{spatial} with padding {padding}"
            fail(
                operation,
                f"axes of at least the window's {reach}",
                found,
                "pad more or take a smaller kernel",
            )
        extents.append((size + low + high - reach) // s + 1)
    return tuple(extents)

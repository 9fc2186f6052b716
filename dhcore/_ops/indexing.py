"""Basic indexing (integers, slices, ``None`` and ``...``) told as a slice, and a reshape that drops and adds axes."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import numpy as np

from dhcore._backends.base import Shape
from dhcore._ops.shape_rules import fail


def is_basic(parts: tuple[Any, ...]) -> bool:
    """Whether no part of an index is an array."""
    plain = slice | int | np.integer | EllipsisType
    return all(
        part is None or (isinstance(part, plain) and not isinstance(part, bool)) for part in parts
    )


def basic_index(parts: tuple[Any, ...], shape: Shape) -> tuple[dict[str, Any], Shape]:
    """Return the attributes of the slice, and the shape that its result is given."""
    bounds: list[slice] = []
    result: list[int] = []
    for part in _expanded(parts, len(shape)):
        if part is None:
            result.append(1)
            continue
        extent = shape[len(bounds)]
        if isinstance(part, slice):
            bounds.append(part)
            result.append(len(range(*part.indices(extent))))
        else:
            index = _checked(int(part), extent, len(bounds))
            bounds.append(slice(index, index + 1))
    window = {
        "axes": tuple(range(len(bounds))),
        "starts": tuple(bound.start for bound in bounds),
        "stops": tuple(bound.stop for bound in bounds),
        "steps": tuple(1 if bound.step is None else int(bound.step) for bound in bounds),
    }
    return window, tuple(result)


def _expanded(parts: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """Put whole axes where ``...`` stands, or at the end."""
    used = sum(part is not None and part is not Ellipsis for part in parts)
    dots = [place for place, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1 or used > rank:
        fail("index", f"at most one ... and {rank} indices", repr(parts))
    place = dots[0] if dots else len(parts)
    return (*parts[:place], *(slice(None),) * (rank - used), *parts[place + 1 :])


def _checked(index: int, extent: int, axis: int) -> int:
    if not -extent <= index < extent:
        # An IndexError: Python's loop over a sequence ends by it.
        raise IndexError(
            f"index: expected {-extent} to {extent - 1} along axis {axis}; found {index}"
        )
    return index % extent

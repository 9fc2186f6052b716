"""How windows lie on an axis: one reading of kernel, stride and padding for all layers that have them."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Literal

from dhcore.errors import OperationError

Shape = tuple[int, ...]
#: A number for every axis, or one per axis.
Extent = int | tuple[int, ...]
#: A name, the same on all sides, one per axis, or (low, high) per axis.
Padding = Literal["same", "valid"] | int | tuple[int, ...] | tuple[tuple[int, int], ...]
Pairs = tuple[tuple[int, int], ...]


def is_whole(number: object, *, least: int = 1) -> bool:
    """Whether something counts: an integer, NumPy's among them, that is large enough.

    >>> is_whole(3), is_whole(3.0), is_whole(0)
    (True, False, False)
    """
    return isinstance(number, Integral) and int(number) >= least


def whole(what: str, value: int, *, least: int = 1) -> int:
    """A number that counts something, NumPy's integers among them.

    >>> whole("filters", 16)
    16
    """
    if not is_whole(value, least=least):
        raise OperationError(f"{what}: expected an integer of at least {least}, found {value!r}")
    return int(value)


def per_axis(what: str, value: Extent, axes: int, *, least: int = 1) -> Shape:
    """One number per axis.

    >>> per_axis("kernel", 3, 2)
    (3, 3)
    """
    numbers = tuple(value) if isinstance(value, Iterable) else (value,) * axes
    if len(numbers) != axes or not all(is_whole(number, least=least) for number in numbers):
        raise OperationError(
            f"{what}: expected an integer of at least {least}, or {axes} of them, found {value!r}"
        )
    return tuple(int(number) for number in numbers)


def padding_pairs(
    padding: Padding, size: Shape, kernel: Shape, stride: Shape, dilation: Shape
) -> Pairs:
    """Low and high padding of each axis; ``same`` makes the output ``ceil(size / stride)``, the odd element high.

    >>> padding_pairs("same", (5, 4), (3, 2), (1, 2), (1, 1))
    ((1, 1), (0, 0))
    """
    if padding == "same":
        windows = zip(size, kernel, stride, dilation, strict=True)
        return tuple(_halves(_missing(n, k, s, d)) for n, k, s, d in windows)
    return explicit_pairs(padding, len(size))


def transposed_pairs(
    padding: Padding, kernel: Shape, stride: Shape, dilation: Shape
) -> tuple[Pairs, Shape]:
    """Padding and output padding of a transposed convolution; ``same`` makes the output ``size * stride``.

    >>> transposed_pairs("same", (3, 2), (2, 2), (1, 1))
    (((0, 1), (0, 0)), (0, 0))
    """
    if padding != "same":
        return explicit_pairs(padding, len(kernel)), (0,) * len(kernel)
    windows = zip(kernel, stride, dilation, strict=True)
    surplus = [(k - 1) * d + 1 - s for k, s, d in windows]
    pairs = tuple(_halves(max(0, cut)) for cut in surplus)
    return pairs, tuple(max(0, -cut) for cut in surplus)


def explicit_pairs(padding: Padding, axes: int) -> Pairs:
    """Low and high padding of each axis as written.

    >>> explicit_pairs(((1, 2), (0, 0)), 2), explicit_pairs(1, 1)
    (((1, 2), (0, 0)), ((1, 1),))
    """
    if padding == "valid":
        return ((0, 0),) * axes
    if isinstance(padding, str):
        raise OperationError(f"padding: expected 'same', 'valid' or numbers, found {padding!r}")
    written: tuple[int | tuple[int, int], ...]
    written = tuple(padding) if isinstance(padding, Iterable) else (padding,) * axes
    pairs = [tuple(side) if isinstance(side, Iterable) else (side, side) for side in written]
    counts = all(len(pair) == 2 and all(is_whole(side, least=0) for side in pair) for pair in pairs)
    if len(pairs) != axes or not counts:
        raise OperationError(
            f"padding: expected an integer, {axes} integers or {axes} pairs (low, high), "
            f"none negative, found {padding!r}"
        )
    return tuple((int(pair[0]), int(pair[-1])) for pair in pairs)


def _missing(size: int, kernel: int, stride: int, dilation: int) -> int:
    outputs = -(-size // stride)
    return max(0, (outputs - 1) * stride + (kernel - 1) * dilation + 1 - size)


def _halves(total: int) -> tuple[int, int]:
    return total // 2, total - total // 2

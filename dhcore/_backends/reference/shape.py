"""Rearranging, joining and selecting elements."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from dhcore._backends.base import Array, KernelTable, Shape

Bounds = tuple[int | None, ...]


def _reshape(x: Array, *, shape: Shape) -> Array:
    return x.reshape(shape)


def _transpose(x: Array, *, axes: Shape) -> Array:
    return x.transpose(axes)


def _broadcast_to(x: Array, *, shape: Shape) -> Array:
    return np.broadcast_to(x, shape)


def _concatenate(*xs: Array, axis: int) -> Array:
    return np.concatenate(xs, axis=axis)


def _window(
    rank: int, axes: Shape, starts: Bounds, stops: Bounds, steps: Shape
) -> tuple[slice, ...]:
    window = [slice(None)] * rank
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        window[axis] = slice(start, stop, step)
    return tuple(window)


def _slice(x: Array, *, axes: Shape, starts: Bounds, stops: Bounds, steps: Shape) -> Array:
    return x[_window(x.ndim, axes, starts, stops, steps)]


def _slice_backward(
    g: Array, *, shape: Shape, axes: Shape, starts: Bounds, stops: Bounds, steps: Shape
) -> Array:
    result = np.zeros(shape, g.dtype)
    result[_window(len(shape), axes, starts, stops, steps)] = g
    return result


def _pad(x: Array, *, padding: tuple[tuple[int, int], ...], value: float) -> Array:
    before = ((0, 0),) * (x.ndim - len(padding))
    return np.pad(x, before + padding, constant_values=value)


def _take(x: Array, *, index: Any) -> Array:
    return np.asarray(x[index])


def _take_backward(g: Array, *, shape: Shape, index: Any) -> Array:
    result = np.zeros(shape, g.dtype)
    np.add.at(result, index, g)
    return result


KERNELS: Final[KernelTable] = {
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "concatenate": _concatenate,
    "slice": _slice,
    "slice_backward": _slice_backward,
    "pad": _pad,
    "take": _take,
    "take_backward": _take_backward,
}

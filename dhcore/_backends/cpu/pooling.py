"""Maximum and mean over windows: each plane (one channel of one sample) on one thread."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import prange

from dhcore._backends.base import Array, KernelTable, Shape
from dhcore._backends.cpu.jit import in_three, parallel, parallel_sum, serial
from dhcore._backends.reference import pooling as reference
from dhcore.threads import synchronise

Padding = tuple[tuple[int, int], ...]


@serial
def _range(position: int, window: Array, axis: int, extent: int) -> tuple[int, int]:
    """Part of a window that lies inside; ``window``: rows of kernel, stride and low padding of three axes."""
    start = position * window[1, axis] - window[2, axis]
    return max(start, 0), min(start + window[0, axis], extent)


@serial
def _largest(
    source: Array, depths: tuple[int, int], heights: tuple[int, int], widths: tuple[int, int]
) -> int:
    """Offset of the first maximum of a box; a NaN is larger than everything."""
    best = (depths[0], heights[0], widths[0])
    value = source[best]
    for d in range(depths[0], depths[1]):
        for h in range(heights[0], heights[1]):
            for w in range(widths[0], widths[1]):
                # Not (other <= value): true for a NaN as well, and once value is a NaN it stays.
                if not source[d, h, w] <= value and not math.isnan(value):
                    value = source[d, h, w]
                    best = (d, h, w)
    offset: int = (best[0] * source.shape[1] + best[1]) * source.shape[2] + best[2]
    return offset


@parallel
def _max(x: Array, y: Array, offsets: Array, window: Array) -> None:
    depth, height, width = x.shape[1:]
    for plane in prange(x.shape[0]):
        flat = x[plane].reshape(-1)
        for i in range(y.shape[1]):
            depths = _range(i, window, 0, depth)
            for j in range(y.shape[2]):
                heights = _range(j, window, 1, height)
                for k in range(y.shape[3]):
                    best = _largest(x[plane], depths, heights, _range(k, window, 2, width))
                    y[plane, i, j, k] = flat[best]
                    offsets[plane, i, j, k] = best


@parallel
def _max_backward(g: Array, offsets: Array, out: Array) -> None:
    for plane in prange(g.shape[0]):
        for i in range(g.shape[1]):
            out[plane, offsets[plane, i]] += g[plane, i]


@serial
def _count(depths: tuple[int, int], heights: tuple[int, int], widths: tuple[int, int]) -> int:
    return (depths[1] - depths[0]) * (heights[1] - heights[0]) * (widths[1] - widths[0])


@parallel
def _average(x: Array, y: Array, window: Array, include: int) -> None:
    depth, height, width = x.shape[1:]
    volume = window[0, 0] * window[0, 1] * window[0, 2]
    for plane in prange(x.shape[0]):
        for i in range(y.shape[1]):
            depths = _range(i, window, 0, depth)
            for j in range(y.shape[2]):
                heights = _range(j, window, 1, height)
                for k in range(y.shape[3]):
                    widths = _range(k, window, 2, width)
                    total = x.dtype.type(0)
                    for d in range(depths[0], depths[1]):
                        for h in range(heights[0], heights[1]):
                            for w in range(widths[0], widths[1]):
                                total += x[plane, d, h, w]
                    y[plane, i, j, k] = total / (
                        volume if include else _count(depths, heights, widths)
                    )


@parallel
def _average_backward(g: Array, out: Array, window: Array, include: int) -> None:
    depth, height, width = out.shape[1:]
    volume = window[0, 0] * window[0, 1] * window[0, 2]
    for plane in prange(out.shape[0]):
        for i in range(g.shape[1]):
            depths = _range(i, window, 0, depth)
            for j in range(g.shape[2]):
                heights = _range(j, window, 1, height)
                for k in range(g.shape[3]):
                    widths = _range(k, window, 2, width)
                    share = g[plane, i, j, k] / (
                        volume if include else _count(depths, heights, widths)
                    )
                    for d in range(depths[0], depths[1]):
                        for h in range(heights[0], heights[1]):
                            for w in range(widths[0], widths[1]):
                                out[plane, d, h, w] += share


@parallel_sum
def _global(x: Array, y: Array) -> None:
    for plane in prange(x.shape[0]):
        total = 0.0
        for i in range(x.shape[1]):
            total += x[plane, i]
        y[plane] = total / x.shape[1]


def _planes(array: Array) -> Array:
    """(N, C, *S) as (N * C, three spatial axes)."""
    return np.ascontiguousarray(array).reshape(
        array.shape[0] * array.shape[1], *in_three(array.shape[2:], 1)
    )


def _window(kernel: Shape, stride: Shape, padding: Padding) -> Array:
    lows = tuple(low for low, _ in padding)
    return np.array([in_three(kernel, 1), in_three(stride, 1), in_three(lows, 0)], np.int64)


def _extent(shape: Shape, kernel: Shape, stride: Shape, padding: Padding) -> Shape:
    return tuple(
        (size + sum(pair) - k) // s + 1
        for size, k, s, pair in zip(shape[2:], kernel, stride, padding, strict=True)
    )


def _is_reference(shape: Shape) -> bool:
    """Whether the shape has more axes than the loops, or no elements."""
    return len(shape) > 5 or 0 in shape


def _max_pool(x: Array, *, kernel: Shape, stride: Shape, padding: Padding) -> tuple[Array, Array]:
    if _is_reference(x.shape):
        pair: tuple[Array, Array] = reference.KERNELS["max_pool"](
            x, kernel=kernel, stride=stride, padding=padding
        )
        return pair
    synchronise()
    planes, extent = _planes(x), _extent(x.shape, kernel, stride, padding)
    y = np.empty((planes.shape[0], *in_three(extent, 1)), x.dtype)
    offsets = np.empty(y.shape, np.int32)
    _max(planes, y, offsets, _window(kernel, stride, padding))
    shape = (*x.shape[:2], *extent)
    return y.reshape(shape), offsets.reshape(shape)


def _max_pool_backward(g: Array, offsets: Array, *, shape: Shape) -> Array:
    planes = shape[0] * shape[1]
    out = np.zeros((planes, int(np.prod(shape[2:]))), g.dtype)
    if out.size:
        synchronise()
        _max_backward(np.ascontiguousarray(g).reshape(planes, -1), offsets.reshape(planes, -1), out)
    return out.reshape(shape)


def _average_pool(
    x: Array, *, kernel: Shape, stride: Shape, padding: Padding, count_include_pad: bool
) -> Array:
    if _is_reference(x.shape):
        attributes: Any = {"kernel": kernel, "stride": stride, "padding": padding}
        return reference.KERNELS["average_pool"](
            x, **attributes, count_include_pad=count_include_pad
        )
    synchronise()
    planes, extent = _planes(x), _extent(x.shape, kernel, stride, padding)
    y = np.empty((planes.shape[0], *in_three(extent, 1)), x.dtype)
    _average(planes, y, _window(kernel, stride, padding), int(count_include_pad))
    return y.reshape(*x.shape[:2], *extent)


def _average_pool_backward(
    g: Array,
    *,
    shape: Shape,
    kernel: Shape,
    stride: Shape,
    padding: Padding,
    count_include_pad: bool,
) -> Array:
    if _is_reference(shape):
        attributes: Any = {"kernel": kernel, "stride": stride, "padding": padding}
        backward = reference.KERNELS["average_pool_backward"]
        return backward(g, shape=shape, **attributes, count_include_pad=count_include_pad)
    synchronise()
    out = np.zeros((shape[0] * shape[1], *in_three(shape[2:], 1)), g.dtype)
    _average_backward(_planes(g), out, _window(kernel, stride, padding), int(count_include_pad))
    return out.reshape(shape)


def _global_average_pool(x: Array) -> Array:
    if _is_reference(x.shape):
        return reference.KERNELS["global_average_pool"](x)
    synchronise()
    y = np.empty(x.shape[0] * x.shape[1], x.dtype)
    _global(np.ascontiguousarray(x).reshape(y.size, -1), y)
    return y.reshape(x.shape[:2])


KERNELS: Final[KernelTable] = {
    "max_pool": _max_pool,
    "max_pool_backward": _max_pool_backward,
    "average_pool": _average_pool,
    "average_pool_backward": _average_pool_backward,
    "global_average_pool": _global_average_pool,
    "global_average_pool_backward": reference.KERNELS["global_average_pool_backward"],
}

"""Maximum and mean over windows, one offset of the window at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np

from dhcore._backends.base import Array, KernelTable, Shape

Padding = tuple[tuple[int, int], ...]


def _windows(x: Array, kernel: Shape, stride: Shape) -> Iterator[tuple[tuple[slice, ...], Shape]]:
    """For each offset in the window: which elements of the padded array it meets, and the offset."""
    extent = [(size - k) // s + 1 for size, k, s in zip(x.shape[2:], kernel, stride, strict=True)]
    for offset in itertools.product(*map(range, kernel)):
        window = (
            slice(k, k + (t - 1) * s + 1, s) for k, t, s in zip(offset, extent, stride, strict=True)
        )
        yield (slice(None), slice(None), *window), offset


def _pad(x: Array, padding: Padding, value: float) -> Array:
    return np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value)


def _max_pool(x: Array, *, kernel: Shape, stride: Shape, padding: Padding) -> tuple[Array, Array]:
    padded = _pad(x, padding, -np.inf)
    spatial = x.shape[2:]
    positions = _pad(
        np.arange(np.prod(spatial), dtype=np.int32).reshape(1, 1, *spatial), padding, -1
    )
    windows = list(_windows(padded, kernel, stride))
    values = np.stack([padded[window] for window, _ in windows])
    places = np.stack([positions[window] for window, _ in windows])
    # The first of equal maxima gets the gradient; argmax takes the first, and a NaN before everything.
    first = np.argmax(values, axis=0)[None]
    offsets = np.take_along_axis(np.broadcast_to(places, values.shape), first, axis=0)[0]
    return np.take_along_axis(values, first, axis=0)[0], offsets


def _max_pool_backward(g: Array, offsets: Array, *, shape: Shape) -> Array:
    samples, channels = shape[:2]
    result = np.zeros((samples, channels, int(np.prod(shape[2:]))), g.dtype)
    n, c = np.ogrid[:samples, :channels]
    flat = (samples, channels, int(np.prod(g.shape[2:])))
    np.add.at(result, (n[..., None], c[..., None], offsets.reshape(flat)), g.reshape(flat))
    return result.reshape(shape)


def _divisor(
    shape: Shape, kernel: Shape, stride: Shape, padding: Padding, *, count_include_pad: bool
) -> Array:
    """How many elements each mean is taken over."""
    ones = np.ones((1, 1, *shape[2:]))
    padded = _pad(ones, padding, 1.0 if count_include_pad else 0.0)
    return np.asarray(sum(padded[window] for window, _ in _windows(padded, kernel, stride)))


def _average_pool(
    x: Array, *, kernel: Shape, stride: Shape, padding: Padding, count_include_pad: bool
) -> Array:
    padded = _pad(x, padding, 0)
    total = np.asarray(sum(padded[window] for window, _ in _windows(padded, kernel, stride)))
    divisor = _divisor(x.shape, kernel, stride, padding, count_include_pad=count_include_pad)
    return (total / divisor).astype(x.dtype, copy=False)


def _average_pool_backward(
    g: Array,
    *,
    shape: Shape,
    kernel: Shape,
    stride: Shape,
    padding: Padding,
    count_include_pad: bool,
) -> Array:
    share = g / _divisor(shape, kernel, stride, padding, count_include_pad=count_include_pad)
    result = _pad(np.zeros(shape, g.dtype), padding, 0)
    for window, _ in _windows(result, kernel, stride):
        result[window] += share.astype(g.dtype, copy=False)
    inner = tuple(slice(low, low + size) for size, (low, _) in zip(shape[2:], padding, strict=True))
    return result[..., *inner]


def _global_average_pool(x: Array) -> Array:
    return np.asarray(x.mean(axis=tuple(range(2, x.ndim))))


def _global_average_pool_backward(g: Array, *, shape: Shape) -> Array:
    share = g / g.dtype.type(np.prod(shape[2:]))
    return np.broadcast_to(share.reshape(*g.shape, *(1,) * (len(shape) - 2)), shape).copy()


KERNELS: Final[KernelTable] = {
    "max_pool": _max_pool,
    "max_pool_backward": _max_pool_backward,
    "average_pool": _average_pool,
    "average_pool_backward": _average_pool_backward,
    "global_average_pool": _global_average_pool,
    "global_average_pool_backward": _global_average_pool_backward,
}

"""Convolution as products of matrices, over tiles of output positions.

::

    columns (C/groups * K, P) of one tile    what the kernel meets at P positions, gathered from x
    forward        y tile (O/groups, P)    = weight (O/groups, C/groups * K) @ columns
    by weights     weight gradient        += g tile (O/groups, P) @ columns^T
    by data        columns                 = weight^T @ g tile, scattered back and added up

A tile is a number of rows along the last axis, of any samples, chosen so that its columns stay in the cache.
Signals and images are volumes with axes of extent 1. Tiles are shared out among the threads; gradients of the
weights are summed thread by thread, in order.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import prange

from dhcore._backends.base import Array, KernelTable, Shape
from dhcore._backends.cpu.jit import in_three, parallel, parallel_sum, serial
from dhcore._backends.reference import convolution as reference
from dhcore.threads import synchronise

Padding = tuple[tuple[int, int], ...]
Three = tuple[int, int, int]

#: Bytes that the columns of one tile may take: they and the weight share a second-level cache.
_TILE_BYTES: Final = 1 << 20
#: Positions below which products of matrices are not worth their call.
_LEAST_POSITIONS: Final = 64


@serial
def _inside(extent: int, size: int, start: int, step: int) -> tuple[int, int]:
    """First and past-the-last position whose element ``position * step + start`` lies in 0 ... size - 1."""
    low = 0 if start >= 0 else (-start + step - 1) // step
    high = 0 if start >= size else (size - 1 - start) // step + 1
    low = min(low, extent)
    return low, max(low, min(high, extent))


@serial
def _gather(
    x: Array,
    channel: int,
    columns: Array,
    first: int,
    last: int,
    kernel: Three,
    out: Three,
    move: Array,
) -> None:
    """Fill columns (C/groups * K, rows * W) with what the kernel meets in the rows first ... last - 1 of the output."""
    k0, k1, k2 = kernel
    width, volume = out[2], k0 * k1 * k2
    for k in range(columns.shape[0]):
        c, rest = channel + k // volume, k % volume
        d, h, w = rest // (k1 * k2), rest // k2 % k1, rest % k2
        start = w * move[1, 2] - move[2, 2]
        low, high = _inside(width, x.shape[4], start, move[0, 2])
        for row in range(first, last):
            n, i, j = row // (out[0] * out[1]), row // out[1] % out[0], row % out[1]
            i = i * move[0, 0] + d * move[1, 0] - move[2, 0]
            j = j * move[0, 1] + h * move[1, 1] - move[2, 1]
            target = columns[k, (row - first) * width : (row - first + 1) * width]
            if i < 0 or i >= x.shape[2] or j < 0 or j >= x.shape[3]:
                target[:] = 0
                continue
            source = x[n, c, i, j]
            target[:low] = 0
            for t in range(low, high):
                target[t] = source[t * move[0, 2] + start]
            target[high:] = 0


@serial
def _scatter(
    columns: Array,
    x: Array,
    channel: int,
    first: int,
    last: int,
    kernel: Three,
    out: Three,
    move: Array,
) -> None:
    """Add columns back to where :func:`_gather` took them from."""
    k0, k1, k2 = kernel
    width, volume = out[2], k0 * k1 * k2
    for k in range(columns.shape[0]):
        c, rest = channel + k // volume, k % volume
        d, h, w = rest // (k1 * k2), rest // k2 % k1, rest % k2
        start = w * move[1, 2] - move[2, 2]
        low, high = _inside(width, x.shape[4], start, move[0, 2])
        for row in range(first, last):
            n, i, j = row // (out[0] * out[1]), row // out[1] % out[0], row % out[1]
            i = i * move[0, 0] + d * move[1, 0] - move[2, 0]
            j = j * move[0, 1] + h * move[1, 1] - move[2, 1]
            if i < 0 or i >= x.shape[2] or j < 0 or j >= x.shape[3]:
                continue
            source = columns[k, (row - first) * width : (row - first + 1) * width]
            target = x[n, c, i, j]
            for t in range(low, high):
                target[t * move[0, 2] + start] += source[t]


@serial
def _pack(y: Array, channel: int, tile: Array, first: int, last: int) -> None:
    """Copy rows of some channels of y into a tile (channels, rows * W)."""
    width = y.shape[4]
    for o in range(tile.shape[0]):
        for row in range(first, last):
            n, i, j = (
                row // (y.shape[2] * y.shape[3]),
                row // y.shape[3] % y.shape[2],
                row % y.shape[3],
            )
            tile[o, (row - first) * width : (row - first + 1) * width] = y[n, channel + o, i, j]


@serial
def _unpack(tile: Array, y: Array, channel: int, first: int, last: int, bias: Array) -> None:
    width = y.shape[4]
    for o in range(tile.shape[0]):
        offset = bias[channel + o]
        for row in range(first, last):
            n, i, j = (
                row // (y.shape[2] * y.shape[3]),
                row // y.shape[3] % y.shape[2],
                row % y.shape[3],
            )
            target = y[n, channel + o, i, j]
            start = (row - first) * width
            for t in range(width):
                target[t] = tile[o, start + t] + offset


@parallel
def _forward(
    x: Array,
    weight: Array,
    bias: Array,
    y: Array,
    kernel: Three,
    move: Array,
    tile_rows: int,
    chunks: int,
) -> None:
    groups, outs, depth = weight.shape
    ins = x.shape[1] // groups
    out = (y.shape[2], y.shape[3], y.shape[4])
    rows = y.shape[0] * out[0] * out[1]
    tiles = (rows + tile_rows - 1) // tile_rows
    for chunk in prange(chunks):
        buffer = np.empty(depth * tile_rows * out[2], x.dtype)
        result = np.empty(outs * tile_rows * out[2], x.dtype)
        for tile in range(tiles * chunk // chunks, tiles * (chunk + 1) // chunks):
            first, last = tile * tile_rows, min((tile + 1) * tile_rows, rows)
            size = (last - first) * out[2]
            columns = buffer[: depth * size].reshape((depth, size))
            part = result[: outs * size].reshape((outs, size))
            for group in range(groups):
                _gather(x, group * ins, columns, first, last, kernel, out, move)
                np.dot(weight[group], columns, part)
                _unpack(part, y, group * outs, first, last, bias)


@parallel
def _by_data(
    g: Array, turned: Array, x: Array, kernel: Three, move: Array, tile_rows: int, blocks: int
) -> None:
    """``turned``: the weight as (groups, C/groups * K, O/groups). A unit of work owns channels of one sample of x."""
    groups, depth, outs = turned.shape
    volume = kernel[0] * kernel[1] * kernel[2]
    ins = depth // volume
    out = (g.shape[2], g.shape[3], g.shape[4])
    sample_rows = out[0] * out[1]
    for unit in prange(g.shape[0] * groups * blocks):
        n, group, block = unit // (groups * blocks), unit // blocks % groups, unit % blocks
        low, high = ins * block // blocks, ins * (block + 1) // blocks
        if low == high:
            continue
        height = (high - low) * volume
        buffer = np.empty(height * tile_rows * out[2], g.dtype)
        packed = np.empty(outs * tile_rows * out[2], g.dtype)
        weight = turned[group, low * volume : high * volume]
        for start in range(0, sample_rows, tile_rows):
            first = n * sample_rows + start
            last = min(first + tile_rows, (n + 1) * sample_rows)
            size = (last - first) * out[2]
            columns = buffer[: height * size].reshape((height, size))
            tile = packed[: outs * size].reshape((outs, size))
            _pack(g, group * outs, tile, first, last)
            np.dot(weight, tile, columns)
            _scatter(columns, x, group * ins + low, first, last, kernel, out, move)


@parallel
def _by_weights(
    g: Array, x: Array, sums: Array, kernel: Three, move: Array, tile_rows: int
) -> None:
    """``sums`` (chunks, groups, O/groups, C/groups * K) starts at zero and gets one part for each chunk of tiles."""
    chunks, groups, outs, depth = sums.shape
    ins = x.shape[1] // groups
    out = (g.shape[2], g.shape[3], g.shape[4])
    rows = g.shape[0] * out[0] * out[1]
    tiles = (rows + tile_rows - 1) // tile_rows
    for chunk in prange(chunks):
        buffer = np.empty(depth * tile_rows * out[2], x.dtype)
        packed = np.empty(outs * tile_rows * out[2], x.dtype)
        part = np.empty((outs, depth), x.dtype)
        for tile_index in range(tiles * chunk // chunks, tiles * (chunk + 1) // chunks):
            first, last = tile_index * tile_rows, min((tile_index + 1) * tile_rows, rows)
            size = (last - first) * out[2]
            columns = buffer[: depth * size].reshape((depth, size))
            tile = packed[: outs * size].reshape((outs, size))
            for group in range(groups):
                _gather(x, group * ins, columns, first, last, kernel, out, move)
                _pack(g, group * outs, tile, first, last)
                np.dot(tile, columns.T, part)
                total = sums[chunk, group]
                for o in range(outs):
                    for k in range(depth):
                        total[o, k] += part[o, k]


def _volume(array: Array) -> Array:
    """Give (N, C, *S) three spatial axes."""
    return np.ascontiguousarray(array).reshape(*array.shape[:2], *in_three(array.shape[2:], 1))


def _move(stride: Shape, padding: Padding, dilation: Shape) -> Array:
    """Stride, dilation and low padding of three axes, as rows of one array."""
    lows = tuple(low for low, _ in padding)
    return np.array([in_three(stride, 1), in_three(dilation, 1), in_three(lows, 0)], np.int64)


def _tile_rows(depth: int, width: int, rows: int, itemsize: int) -> int:
    """Rows of a tile: what fits the cache, but no fewer than make products worth while, and no more than there are."""
    fitting = _TILE_BYTES // max(depth * width * itemsize, 1)
    least = -(-_LEAST_POSITIONS // max(width, 1))
    return max(1, min(max(fitting, least), rows))


def _convolution(x: Array, weight: Array, bias: Array | None, **window: Any) -> Array:
    spatial, kernel = x.shape[2:], weight.shape[2:]
    if len(spatial) > 3 or 0 in (x.size, weight.size):
        return reference.KERNELS["convolution"](x, weight, bias, **window)
    threads = synchronise()
    stride, padding, dilation, groups = (
        window[name] for name in ("stride", "padding", "dilation", "groups")
    )
    extent = tuple(
        (size + sum(pad) - d * (k - 1) - 1) // s + 1
        for size, k, s, pad, d in zip(spatial, kernel, stride, padding, dilation, strict=True)
    )
    y = np.empty((x.shape[0], weight.shape[0], *in_three(extent, 1)), x.dtype)
    depth = weight[0].size
    rows = y.shape[0] * y.shape[2] * y.shape[3]
    offset = np.zeros(weight.shape[0], x.dtype) if bias is None else np.ascontiguousarray(bias)
    weights = np.ascontiguousarray(weight).reshape(groups, -1, depth)
    tile_rows = _tile_rows(depth, y.shape[4], rows, x.itemsize)
    move = _move(stride, padding, dilation)
    _forward(_volume(x), weights, offset, y, in_three(kernel, 1), move, tile_rows, threads)
    return y.reshape(x.shape[0], weight.shape[0], *extent)


def _convolution_backward_data(g: Array, weight: Array, *, shape: Shape, **window: Any) -> Array:
    if len(shape) > 5 or 0 in (g.size, weight.size):
        return reference.KERNELS["convolution_backward_data"](g, weight, shape=shape, **window)
    threads = synchronise()
    groups = window["groups"]
    result = np.zeros((*shape[:2], *in_three(shape[2:], 1)), g.dtype)
    volume = _volume(g)
    turned = np.ascontiguousarray(
        weight.reshape(groups, weight.shape[0] // groups, -1).transpose(0, 2, 1)
    )
    # Samples and groups are independent; when there are fewer of them than threads, channels are split as well.
    blocks = max(1, min(-(-threads // (shape[0] * groups)), weight.shape[1]))
    rows = volume.shape[2] * volume.shape[3]
    tile_rows = _tile_rows(turned.shape[1] // blocks, volume.shape[4], rows, g.itemsize)
    move = _move(window["stride"], window["padding"], window["dilation"])
    _by_data(volume, turned, result, in_three(weight.shape[2:], 1), move, tile_rows, blocks)
    return result.reshape(shape)


def _convolution_backward_weights(g: Array, x: Array, *, shape: Shape, **window: Any) -> Array:
    if len(shape) > 5 or 0 in (g.size, x.size):
        return reference.KERNELS["convolution_backward_weights"](g, x, shape=shape, **window)
    threads = synchronise()
    groups, depth = window["groups"], int(np.prod(shape[1:]))
    volume = _volume(g)
    rows = volume.shape[0] * volume.shape[2] * volume.shape[3]
    tile_rows = _tile_rows(depth, volume.shape[4], rows, g.itemsize)
    sums = np.zeros((min(threads, rows), groups, shape[0] // groups, depth), g.dtype)
    move = _move(window["stride"], window["padding"], window["dilation"])
    _by_weights(volume, _volume(x), sums, in_three(shape[2:], 1), move, tile_rows)
    return sums.sum(axis=0).reshape(shape)


@parallel_sum
def _channel_sums(g: Array, sums: Array) -> None:
    for c in prange(g.shape[1]):
        total = 0.0
        for n in range(g.shape[0]):
            for i in range(g.shape[2]):
                total += g[n, c, i]
        sums[c] = total


def _bias_backward(g: Array) -> Array:
    synchronise()
    sums = np.empty(g.shape[1], g.dtype)
    _channel_sums(np.ascontiguousarray(g).reshape(*g.shape[:2], -1 if g.size else 0), sums)
    return sums


KERNELS: Final[KernelTable] = {
    "convolution": _convolution,
    "convolution_backward_data": _convolution_backward_data,
    "convolution_backward_weights": _convolution_backward_weights,
    "bias_add": reference.KERNELS["bias_add"],
    "bias_backward": _bias_backward,
}

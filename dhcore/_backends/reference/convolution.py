"""Convolution (cross-correlation) of 1, 2, 3 ... spatial axes, one offset of the kernel at a time.

::

    y[n, o, t] = bias[o] + sum over c, k of weight[o, c, k] * padded[n, c, t * stride + k * dilation]

For one offset k all outputs read a strided window of the padded input, so the sum over c is one product of tensors;
both derivatives are the same product with the roles exchanged.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from dhcore._backends.base import Array, KernelTable, Shape

Padding = tuple[tuple[int, int], ...]


def _offsets(
    kernel: Shape, extent: Shape, stride: Shape, dilation: Shape
) -> Iterator[tuple[Shape, Any]]:
    """Each offset of the kernel, and which elements of the padded input it meets."""
    for offset in itertools.product(*map(range, kernel)):
        starts = [k * d for k, d in zip(offset, dilation, strict=True)]
        window = (
            slice(a, a + (t - 1) * s + 1, s) for a, t, s in zip(starts, extent, stride, strict=True)
        )
        yield offset, (..., *window)


def _padded(x: Array, padding: Padding) -> Array:
    return np.pad(x, ((0, 0), (0, 0), *padding))


def _grouped(x: Array, groups: int, axis: int) -> Array:
    """Split an axis of channels into (groups, channels of a group)."""
    return x.reshape(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :])


def _convolution(
    x: Array,
    weight: Array,
    bias: Array | None,
    *,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
    groups: int,
) -> Array:
    padded = _grouped(_padded(x, padding), groups, 1)
    kernel = weight.shape[2:]
    extent = tuple(
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(padded.shape[3:], kernel, stride, dilation, strict=True)
    )
    weights = _grouped(weight, groups, 0)
    y = np.zeros((x.shape[0], groups, weight.shape[0] // groups, *extent), x.dtype)
    for offset, window in _offsets(kernel, extent, stride, dilation):
        y += np.einsum("ngc...,goc->ngo...", padded[window], weights[..., *offset], optimize=True)
    y = y.reshape(x.shape[0], weight.shape[0], *extent)
    return y if bias is None else _bias_add(y, bias)


def _convolution_backward_data(
    g: Array,
    weight: Array,
    *,
    shape: Shape,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
    groups: int,
) -> Array:
    extents = [size + low + high for size, (low, high) in zip(shape[2:], padding, strict=True)]
    result: Array = np.zeros((shape[0], groups, shape[1] // groups, *extents), g.dtype)
    gradient, weights = _grouped(g, groups, 1), _grouped(weight, groups, 0)
    for offset, window in _offsets(weight.shape[2:], g.shape[2:], stride, dilation):
        result[window] += np.einsum(
            "ngo...,goc->ngc...", gradient, weights[..., *offset], optimize=True
        )
    inner = tuple(slice(low, low + size) for size, (low, _) in zip(shape[2:], padding, strict=True))
    return result[..., *inner].reshape(shape)


def _convolution_backward_weights(
    g: Array,
    x: Array,
    *,
    shape: Shape,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
    groups: int,
) -> Array:
    padded, gradient = _grouped(_padded(x, padding), groups, 1), _grouped(g, groups, 1)
    # What is summed over: samples and positions.
    summed = (0, *range(2, g.ndim))
    result: Array = np.zeros((groups, shape[0] // groups, *shape[1:]), g.dtype)
    for offset, window in _offsets(shape[2:], g.shape[2:], stride, dilation):
        met = padded[window]
        for group in range(groups):
            product = np.tensordot(gradient[:, group], met[:, group], axes=(summed, summed))
            result[group, :, :, *offset] = product
    return result.reshape(shape)


def _bias_add(x: Array, bias: Array) -> Array:
    return x + bias.reshape(1, -1, *(1,) * (x.ndim - 2))


def _bias_backward(g: Array) -> Array:
    return np.asarray(g.sum(axis=(0, *range(2, g.ndim))))


KERNELS: Final[KernelTable] = {
    "convolution": _convolution,
    "convolution_backward_data": _convolution_backward_data,
    "convolution_backward_weights": _convolution_backward_weights,
    "bias_add": _bias_add,
    "bias_backward": _bias_backward,
}

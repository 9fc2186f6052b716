"""Batch normalisation (Ioffe and Szegedy, 2015).

``y = (x - mean) / sqrt(variance + epsilon) * scale + shift``, channel by channel.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from dhcore._backends.base import Array, KernelTable


def _along(statistic: Array, x: Array) -> Array:
    """Lay one number per channel along the channels of x."""
    return statistic.reshape(1, -1, *(1,) * (x.ndim - 2))


def _axes(x: Array) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _normalised(x: Array, mean: Array, variance: Array, epsilon: float) -> Array:
    deviation = np.sqrt(variance + x.dtype.type(epsilon))
    return (x - _along(mean, x)) / _along(deviation, x)


def _batch_norm(
    x: Array, scale: Array, shift: Array, mean: Array, variance: Array, *, epsilon: float
) -> Array:
    return _normalised(x, mean, variance, epsilon) * _along(scale, x) + _along(shift, x)


def _batch_norm_backward(
    g: Array, x: Array, scale: Array, mean: Array, variance: Array, *, epsilon: float
) -> tuple[Array, Array, Array]:
    factor = scale / np.sqrt(variance + x.dtype.type(epsilon))
    normalised = _normalised(x, mean, variance, epsilon)
    return g * _along(factor, x), (g * normalised).sum(axis=_axes(x)), g.sum(axis=_axes(x))


def _batch_norm_training(
    x: Array, scale: Array, shift: Array, *, epsilon: float
) -> tuple[Array, Array, Array]:
    mean, variance = x.mean(axis=_axes(x)), x.var(axis=_axes(x))
    return _batch_norm(x, scale, shift, mean, variance, epsilon=epsilon), mean, variance


def _batch_norm_training_backward(
    g: Array, x: Array, scale: Array, mean: Array, variance: Array, *, epsilon: float
) -> tuple[Array, Array, Array]:
    # Mean and variance depend on x: their share of the gradient is the mean of g and its projection on the
    # normalised x.
    normalised = _normalised(x, mean, variance, epsilon)
    scale_gradient, shift_gradient = (g * normalised).sum(axis=_axes(x)), g.sum(axis=_axes(x))
    count = x.dtype.type(x.size // x.shape[1])
    centred = g - _along(shift_gradient / count, x) - normalised * _along(scale_gradient / count, x)
    factor = scale / np.sqrt(variance + x.dtype.type(epsilon))
    return centred * _along(factor, x), scale_gradient, shift_gradient


KERNELS: Final[KernelTable] = {
    "batch_norm": _batch_norm,
    "batch_norm_backward": _batch_norm_backward,
    "batch_norm_training": _batch_norm_training,
    "batch_norm_training_backward": _batch_norm_training_backward,
}

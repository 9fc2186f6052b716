"""Losses: one number per sample, then the mean of the samples by their weights."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import special

from dhcore._backends.base import Array, KernelTable, sample_weights
from dhcore._backends.reference.softmax import log_softmax, softmax


def _mean(losses: Array, weight: Array | None) -> Array:
    """Mean over all but the first axis, then over the samples by weight."""
    samples = losses.reshape(losses.shape[0], -1).mean(axis=1)
    return np.asarray(samples @ sample_weights(weight, losses.shape[0], losses.dtype))


def _spread(g: Array, weight: Array | None, like: Array, parts: int) -> Array:
    """Gradient of the loss with respect to each sample's sum of ``parts`` losses, shaped to meet ``like``."""
    share = g * sample_weights(weight, like.shape[0], like.dtype) / like.dtype.type(parts)
    return share.reshape(-1, *(1,) * (like.ndim - 1))


def _softmax_cross_entropy(
    logits: Array, target: Array, weight: Array | None
) -> tuple[Array, Array]:
    losses = -(target * log_softmax(logits, axis=1)).sum(axis=1)
    return _mean(losses, weight), softmax(logits, axis=1)


def _softmax_cross_entropy_backward(
    g: Array, probabilities: Array, target: Array, weight: Array | None
) -> Array:
    positions = probabilities[0, 0].size
    # The target need not add up to 1: its sum multiplies the softmax.
    difference = probabilities * target.sum(axis=1, keepdims=True) - target
    return difference * _spread(g, weight, probabilities, positions)


def _binary_cross_entropy(logits: Array, target: Array, weight: Array | None) -> Array:
    losses = np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))
    return _mean(losses, weight)


def _binary_cross_entropy_backward(
    g: Array, logits: Array, target: Array, weight: Array | None
) -> Array:
    return (special.expit(logits) - target) * _spread(g, weight, logits, logits[0].size)


def _overlap(probabilities: Array, target: Array, smooth: float) -> tuple[Array, Array]:
    """Numerator and denominator of the Dice coefficient of each sample and channel."""
    axes = tuple(range(2, probabilities.ndim))
    intersection = (probabilities * target).sum(axis=axes, keepdims=True)
    total = probabilities.sum(axis=axes, keepdims=True) + target.sum(axis=axes, keepdims=True)
    offset = probabilities.dtype.type(smooth)
    return 2 * intersection + offset, total + offset


def _dice_loss(
    probabilities: Array, target: Array, weight: Array | None, *, smooth: float
) -> Array:
    numerator, denominator = _overlap(probabilities, target, smooth)
    return _mean(1 - numerator / denominator, weight)


def _dice_loss_backward(
    g: Array, probabilities: Array, target: Array, weight: Array | None, *, smooth: float
) -> Array:
    numerator, denominator = _overlap(probabilities, target, smooth)
    slope = (numerator - 2 * target * denominator) / denominator**2
    return slope * _spread(g, weight, probabilities, probabilities.shape[1])


def _mean_squared_error(prediction: Array, target: Array, weight: Array | None) -> Array:
    return _mean((prediction - target) ** 2, weight)


def _mean_squared_error_backward(
    g: Array, prediction: Array, target: Array, weight: Array | None
) -> Array:
    return 2 * (prediction - target) * _spread(g, weight, prediction, prediction[0].size)


KERNELS: Final[KernelTable] = {
    "softmax_cross_entropy": _softmax_cross_entropy,
    "softmax_cross_entropy_backward": _softmax_cross_entropy_backward,
    "binary_cross_entropy": _binary_cross_entropy,
    "binary_cross_entropy_backward": _binary_cross_entropy_backward,
    "dice_loss": _dice_loss,
    "dice_loss_backward": _dice_loss_backward,
    "mean_squared_error": _mean_squared_error,
    "mean_squared_error_backward": _mean_squared_error_backward,
}

"""Losses: value and gradient in one pass over (N, C, pixels).

Each kernel writes one sum a piece of a sample to ``parts`` (N, PIECES), and the gradient of the whole loss;
:func:`weighted_mean` then adds the parts up in a fixed order, so the bits do not depend on the threads. ``share`` (N)
holds what each sample contributes, summing to 1. Strides are those of :class:`dhcore._plan.layout.Strides`; targets
are plain.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import prange

from dhcore._backends.cpu.jit import parallel, serial
from dhcore._plan.buffers import Floats

Doubles = npt.NDArray[np.float64]
PIECES: Final = 8
_ZERO: Final = np.float32(0.0)
_ONE: Final = np.float32(1.0)


@serial
def shares(weight: Floats, share: Floats) -> None:
    """share = weight / sum(weight); all 0 when nothing counts."""
    total = 0.0
    for i in range(weight.size):
        total += weight[i]
    for i in range(share.size):
        share[i] = weight[i] / total if total != 0.0 else 0.0


@serial
def weighted_mean(parts: Floats, share: Floats, loss: Floats) -> None:
    """loss = sum of the parts of each sample, weighted by its share."""
    total = 0.0
    for sample in range(share.size):
        for piece in range(PIECES):
            total += np.float64(parts[sample * PIECES + piece]) * share[sample]
    loss[0] = total


@parallel
def softmax_cross_entropy(
    logits: Floats,
    target: Floats,
    share: Floats,
    parts: Floats,
    gradient: Floats,
    shape: tuple[int, int, int],
    strides: tuple[int, int, int, int],
) -> None:
    """-sum(target * log softmax(logits)) a pixel, mean over pixels; gradient softmax * sum(target) - target."""
    samples, channels, pixels = shape
    for index in prange(samples * PIECES):
        sample, piece = index // PIECES, index % PIECES
        scale = share[sample] / np.float32(pixels)
        loss = 0.0
        for pixel in range(pixels * piece // PIECES, pixels * (piece + 1) // PIECES):
            start = sample * strides[0] + pixel * strides[3]
            wanted = sample * channels * pixels + pixel
            largest = logits[start]
            for c in range(1, channels):
                largest = max(
                    largest, logits[start + (c // 16) * strides[1] + (c % 16) * strides[2]]
                )
            total, mass = _ZERO, _ZERO
            for c in range(channels):
                at = start + (c // 16) * strides[1] + (c % 16) * strides[2]
                power = np.exp(logits[at] - largest)
                gradient[at] = power
                total += power
                mass += target[wanted + c * pixels]
            logarithm = np.log(total)
            for c in range(channels):
                at = start + (c // 16) * strides[1] + (c % 16) * strides[2]
                t = target[wanted + c * pixels]
                if t != _ZERO:
                    loss -= t * (logits[at] - largest - logarithm)
                gradient[at] = (gradient[at] / total * mass - t) * scale
        parts[index] = loss / pixels


@parallel
def binary_cross_entropy(
    logits: Floats,
    target: Floats,
    share: Floats,
    parts: Floats,
    gradient: Floats,
    shape: tuple[int, int, int],
    strides: tuple[int, int, int, int],
) -> None:
    """max(x, 0) - x t + log(1 + exp(-|x|)), mean over channels and pixels; gradient sigmoid(x) - t."""
    samples, channels, pixels = shape
    for index in prange(samples * PIECES):
        sample, piece = index // PIECES, index % PIECES
        scale = share[sample] / np.float32(channels * pixels)
        loss = 0.0
        for c in range(channels):
            start = sample * strides[0] + (c // 16) * strides[1] + (c % 16) * strides[2]
            wanted = (sample * channels + c) * pixels
            for pixel in range(pixels * piece // PIECES, pixels * (piece + 1) // PIECES):
                at = start + pixel * strides[3]
                x, t = logits[at], target[wanted + pixel]
                power = np.exp(-abs(x))
                loss += max(x, _ZERO) - x * t + np.log1p(power)
                probability = (_ONE if x >= _ZERO else power) / (_ONE + power)
                gradient[at] = (probability - t) * scale
        parts[index] = loss / (channels * pixels)


@parallel
def mean_squared_error(
    prediction: Floats,
    target: Floats,
    share: Floats,
    parts: Floats,
    gradient: Floats,
    shape: tuple[int, int, int],
    strides: tuple[int, int, int, int],
) -> None:
    """(prediction - target)^2, mean over channels and pixels."""
    samples, channels, pixels = shape
    for index in prange(samples * PIECES):
        sample, piece = index // PIECES, index % PIECES
        scale = np.float32(2.0) * share[sample] / np.float32(channels * pixels)
        loss = 0.0
        for c in range(channels):
            start = sample * strides[0] + (c // 16) * strides[1] + (c % 16) * strides[2]
            wanted = (sample * channels + c) * pixels
            for pixel in range(pixels * piece // PIECES, pixels * (piece + 1) // PIECES):
                at = start + pixel * strides[3]
                difference = prediction[at] - target[wanted + pixel]
                loss += difference * difference
                gradient[at] = difference * scale
        parts[index] = loss / (channels * pixels)


@parallel
def dice_loss(
    probabilities: Floats,
    target: Floats,
    share: Floats,
    parts: Floats,
    gradient: Floats,
    shape: tuple[int, int, int],
    strides: tuple[int, int, int, int],
    smooth: float,
) -> None:
    """1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth) a channel, mean over channels."""
    samples, channels, pixels = shape
    for sample in prange(samples):
        loss = 0.0
        for c in range(channels):
            start = sample * strides[0] + (c // 16) * strides[1] + (c % 16) * strides[2]
            wanted = (sample * channels + c) * pixels
            common, total = 0.0, 0.0
            for pixel in range(pixels):
                p, t = probabilities[start + pixel * strides[3]], target[wanted + pixel]
                common += p * t
                total += p + t
            numerator, denominator = 2.0 * common + smooth, total + smooth
            loss += 1.0 - numerator / denominator
            scale = share[sample] / channels
            level = np.float32(numerator / denominator**2 * scale)
            slope = np.float32(2.0 / denominator * scale)
            for pixel in range(pixels):
                gradient[start + pixel * strides[3]] = level - slope * target[wanted + pixel]
        for piece in range(PIECES):
            parts[sample * PIECES + piece] = loss / channels if piece == 0 else 0.0


@parallel
def softmax(
    x: Floats, y: Floats, shape: tuple[int, int, int], strides: tuple[int, int, int, int]
) -> None:
    """Softmax over the channels of each pixel."""
    samples, channels, pixels = shape
    for index in prange(samples * PIECES):
        sample, piece = index // PIECES, index % PIECES
        for pixel in range(pixels * piece // PIECES, pixels * (piece + 1) // PIECES):
            start = sample * strides[0] + pixel * strides[3]
            largest = x[start]
            for c in range(1, channels):
                largest = max(largest, x[start + (c // 16) * strides[1] + (c % 16) * strides[2]])
            total = _ZERO
            for c in range(channels):
                at = start + (c // 16) * strides[1] + (c % 16) * strides[2]
                y[at] = np.exp(x[at] - largest)
                total += y[at]
            for c in range(channels):
                y[start + (c // 16) * strides[1] + (c % 16) * strides[2]] /= total


@parallel
def softmax_backward(
    y: Floats,
    g: Floats,
    result: Floats,
    shape: tuple[int, int, int],
    strides: tuple[int, int, int, int],
) -> None:
    """result = y * (g - sum over channels of g * y)."""
    samples, channels, pixels = shape
    for index in prange(samples * PIECES):
        sample, piece = index // PIECES, index % PIECES
        for pixel in range(pixels * piece // PIECES, pixels * (piece + 1) // PIECES):
            start = sample * strides[0] + pixel * strides[3]
            total = _ZERO
            for c in range(channels):
                at = start + (c // 16) * strides[1] + (c % 16) * strides[2]
                total += g[at] * y[at]
            for c in range(channels):
                at = start + (c // 16) * strides[1] + (c % 16) * strides[2]
                result[at] = y[at] * (g[at] - total)

"""Work along channels and space: global average, nearest neighbours.

Sizes and strides are counted in elements; see :class:`dhcore._plan.layout.Strides`.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from dhcore._backends.cpu.jit import parallel, parallel_sum
from dhcore._plan.buffers import Floats


@parallel_sum
def global_average(
    x: Floats,
    y: Floats,
    samples: int,
    channels: int,
    pixels: int,
    strides: tuple[int, int, int, int],
) -> None:
    """y (N, C) = mean of x over its pixels."""
    for sample in prange(samples):
        for channel in range(channels):
            start = sample * strides[0] + (channel // 16) * strides[1] + (channel % 16) * strides[2]
            total = np.float32(0.0)
            for pixel in range(pixels):
                total += x[start + pixel * strides[3]]
            y[sample * channels + channel] = total / np.float32(pixels)


@parallel
def global_average_backward(
    g: Floats,
    result: Floats,
    samples: int,
    channels: int,
    pixels: int,
    strides: tuple[int, int, int, int],
) -> None:
    """Spread the gradient of each mean over its pixels."""
    for sample in prange(samples):
        # Channels of zeros stay zero.
        result[sample * strides[0] : (sample + 1) * strides[0]] = np.float32(0.0)
        for channel in range(channels):
            start = sample * strides[0] + (channel // 16) * strides[1] + (channel % 16) * strides[2]
            share = g[sample * channels + channel] / np.float32(pixels)
            for pixel in range(pixels):
                result[start + pixel * strides[3]] = share


@parallel
def upsample_nearest(
    x: Floats,
    y: Floats,
    planes: int,
    size: tuple[int, int, int],
    factor: tuple[int, int, int],
    lanes: int,
) -> None:
    """Repeat each pixel (of ``lanes`` elements) of each plane by the factors of depth, height and width."""
    depth, height, width = size
    for row in prange(planes * depth * factor[0] * height * factor[1]):
        plane_depth, line = row // (height * factor[1]), row % (height * factor[1])
        plane, layer = plane_depth // (depth * factor[0]), plane_depth % (depth * factor[0])
        source = ((plane * depth + layer // factor[0]) * height + line // factor[1]) * width * lanes
        target = row * width * factor[2] * lanes
        for column in range(width):
            for _ in range(factor[2]):
                for lane in range(lanes):
                    y[target + lane] = x[source + column * lanes + lane]
                target += lanes


@parallel
def upsample_nearest_backward(
    g: Floats,
    result: Floats,
    planes: int,
    size: tuple[int, int, int],
    factor: tuple[int, int, int],
    lanes: int,
) -> None:
    """Add up the gradients of the copies of each pixel."""
    depth, height, width = size
    for row in prange(planes * depth * height):
        plane_depth, line = row // height, row % height
        plane, layer = plane_depth // depth, plane_depth % depth
        target = row * width * lanes
        result[target : target + width * lanes] = np.float32(0.0)
        for a in range(factor[0]):
            above = plane * depth * factor[0] + layer * factor[0] + a
            for b in range(factor[1]):
                source = (
                    (above * height * factor[1] + line * factor[1] + b) * width * factor[2] * lanes
                )
                for column in range(width):
                    for _ in range(factor[2]):
                        for lane in range(lanes):
                            result[target + column * lanes + lane] += g[source + lane]
                        source += lanes

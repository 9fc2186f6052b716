"""Rearranging the taps of windows that do not overlap, in blocked layout.

Taps lie as (N, kernel, blocks, *space, 16), results as (N, blocks, *(space * kernel), 16). A row is one line of the
results.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from dhcore._plan.buffers import Floats
from dhcore._plan.kernels.compiling import parallel, serial

Extents = tuple[int, int, int]


@serial
def _source(row: int, blocks: int, space: Extents, kernel: Extents) -> tuple[int, int]:
    """Of a line of results: its block of channels, and where the line of taps of its first column begins."""
    height = space[1] * kernel[1]
    plane, line = row // height, row % height
    depth = space[0] * kernel[0]
    channel, layer = plane // depth, plane % depth
    sample, block = channel // blocks, channel % blocks
    tap = (layer % kernel[0] * kernel[1] + line % kernel[1]) * kernel[2]
    taps = kernel[0] * kernel[1] * kernel[2]
    at = (sample * taps + tap) * blocks + block
    start = ((at * space[0] + layer // kernel[0]) * space[1] + line // kernel[1]) * space[2] * 16
    return block, start


@parallel
def spread(
    taps: Floats,
    bias: Floats,
    result: Floats,
    samples: int,
    blocks: int,
    space: Extents,
    kernel: Extents,
) -> None:
    """Put every tap in its place and add the bias."""
    width, step = space[2], blocks * space[0] * space[1] * space[2] * 16
    for row in prange(samples * blocks * space[0] * kernel[0] * space[1] * kernel[1]):
        block, start = _source(row, blocks, space, kernel)
        target = row * width * kernel[2] * 16
        for column in range(width):
            for tap in range(kernel[2]):
                source = start + tap * step + column * 16
                for lane in range(16):
                    result[target + lane] = taps[source + lane] + bias[block * 16 + lane]
                target += 16


@parallel
def gather(
    g: Floats, taps: Floats, samples: int, blocks: int, space: Extents, kernel: Extents
) -> None:
    """Bring every result back to its tap."""
    width, step = space[2], blocks * space[0] * space[1] * space[2] * 16
    for row in prange(samples * blocks * space[0] * kernel[0] * space[1] * kernel[1]):
        _, start = _source(row, blocks, space, kernel)
        source = row * width * kernel[2] * 16
        for column in range(width):
            for tap in range(kernel[2]):
                target = start + tap * step + column * 16
                for lane in range(16):
                    taps[target + lane] = g[source + lane]
                source += 16


@parallel
def sum_bias(g: Floats, result: Floats, samples: int, blocks: int, pixels: int) -> None:
    """result (blocks * 16) = sum of g over samples and pixels."""
    for block in prange(blocks):
        totals = np.zeros(16, np.float64)
        for sample in range(samples):
            start = (sample * blocks + block) * pixels * 16
            # Partial sums of one line keep float32 exact enough and the loop in vector registers.
            for first in range(0, pixels, 128):
                part = np.zeros(16, np.float32)
                for pixel in range(first, min(first + 128, pixels)):
                    for lane in range(16):
                        part[lane] += g[start + pixel * 16 + lane]
                for lane in range(16):
                    totals[lane] += part[lane]
        for lane in range(16):
            result[block * 16 + lane] = totals[lane]

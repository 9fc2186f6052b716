"""Rearranging the taps of windows that do not overlap, in blocked layout.

Taps lie as (N, kernel, blocks, *space, 16), results as (N, blocks, *(space * kernel), 16). A row is one line of the
results.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from dhcore._backends.cpu.jit import parallel, serial
from dhcore._plan.buffers import Floats

Extents = tuple[int, int, int]


@serial
def _source(row: int, blocks: int, space: Extents, kernel: Extents) -> int:
    """Return where the line of taps of the first column of a line of results begins."""
    height = space[1] * kernel[1]
    plane, line = row // height, row % height
    depth = space[0] * kernel[0]
    channel, layer = plane // depth, plane % depth
    sample, block = channel // blocks, channel % blocks
    tap = (layer % kernel[0] * kernel[1] + line % kernel[1]) * kernel[2]
    taps = kernel[0] * kernel[1] * kernel[2]
    at = (sample * taps + tap) * blocks + block
    return ((at * space[0] + layer // kernel[0]) * space[1] + line // kernel[1]) * space[2] * 16


@parallel
def spread(
    taps: Floats,
    result: Floats,
    samples: int,
    blocks: int,
    space: Extents,
    kernel: Extents,
) -> None:
    """Put every tap in its place."""
    width, step = space[2], blocks * space[0] * space[1] * space[2] * 16
    for row in prange(samples * blocks * space[0] * kernel[0] * space[1] * kernel[1]):
        start = _source(row, blocks, space, kernel)
        target = row * width * kernel[2] * 16
        for column in range(width):
            for tap in range(kernel[2]):
                source = start + tap * step + column * 16
                for lane in range(16):
                    result[target + lane] = taps[source + lane]
                target += 16


@parallel
def gather(
    g: Floats, taps: Floats, samples: int, blocks: int, space: Extents, kernel: Extents
) -> None:
    """Bring every result back to its tap."""
    width, step = space[2], blocks * space[0] * space[1] * space[2] * 16
    for row in prange(samples * blocks * space[0] * kernel[0] * space[1] * kernel[1]):
        start = _source(row, blocks, space, kernel)
        source = row * width * kernel[2] * 16
        for column in range(width):
            for tap in range(kernel[2]):
                target = start + tap * step + column * 16
                for lane in range(16):
                    taps[target + lane] = g[source + lane]
                source += 16


@serial
def repeat_bias(bias: Floats, result: Floats) -> None:
    """Lay the bias of each channel at each tap."""
    for i in range(result.size):
        result[i] = bias[i % bias.size]


@serial
def fold_bias(taps: Floats, result: Floats) -> None:
    """Add up what each tap says of each channel."""
    for i in range(result.size):
        total = np.float32(0.0)
        for at in range(i, taps.size, result.size):
            total += taps[at]
        result[i] = total

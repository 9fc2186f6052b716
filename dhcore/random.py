"""Random numbers that do not depend on who draws them first.

A stream is named, not shared: ``generator(seed, "shuffle", epoch)`` is the same stream in every process, and two
different names give independent streams. Underneath is Philox 4x64-10 (Salmon et al., *Parallel random numbers: as
easy as 1, 2, 3*, SC 2011), a counter-based generator: its key is a hash of the name, so no state has to travel.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["dropout_mask", "generator"]


def generator(seed: int, *stream: int | str) -> np.random.Generator:
    """Return the generator of a named stream.

    Args:
        seed: Seed of the run.
        stream: What the numbers are for; integers and strings, the order matters.

    >>> bool(generator(7, "shuffle", 3).random() == generator(7, "shuffle", 3).random())
    True
    >>> bool((generator(7, "a").random(4) == generator(7, "b").random(4)).any())
    False
    """
    return np.random.Generator(_philox(seed, *stream))


def dropout_mask(
    shape: tuple[int, ...], rate: float, key: tuple[int, int, int]
) -> npt.NDArray[np.bool_]:
    """Return which elements a dropout keeps: True with probability ``1 - rate``.

    Element i of the flattened array is kept when the i-th 32-bit half (the lower half of each 64-bit word first)
    of the stream ``(seed, "dropout", node, step)`` is at least ``round(rate * 2**32)``. A longer batch therefore
    begins with the mask of a shorter one.

    Args:
        shape: Shape of the mask.
        rate: Probability to drop, 0 <= rate < 1.
        key: Seed of the run, index of the node in its graph, number of the step.

    >>> mask = dropout_mask((1000,), 0.25, (1, 2, 3))
    >>> 700 < int(mask.sum()) < 800
    True
    """
    seed, node, step = key
    size = int(np.prod(shape, dtype=np.int64))
    words = _philox(seed, "dropout", node, step).random_raw((size + 1) // 2)
    # The halves are defined by value, not by memory order: little-endian on every machine.
    halves = np.asarray(words, dtype="<u8").view("<u4")[:size]
    return np.asarray(halves >= np.uint32(min(round(rate * 2**32), 2**32 - 1))).reshape(shape)


def _philox(*name: int | str) -> np.random.Philox:
    text = "\x1f".join(f"{'s' if isinstance(part, str) else 'i'}{_plain(part)}" for part in name)
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    key: Any = np.frombuffer(digest, dtype="<u8").astype(np.uint64)
    return np.random.Philox(key=key)


def _plain(part: int | str) -> int | str:
    return part if isinstance(part, str) else int(part)

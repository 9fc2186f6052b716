"""How the contributions of partitions become one: a weighted mean, in a tree whose shape is fixed.

::

    0   1   2   3   4          the partitions that took part in the step, in order
    └─┬─┘   └─┬─┘   │
      01      23    4
      └────┬──┘     │
         0123       4
          └────┬────┘
             01234

The last join is not a task of its own: whoever needs the mean reads both sides and joins them, which saves a hop of
the data and a turn of the scheduler in every step (with two partitions there is no merge task at all).

Floating-point addition is not associative, so the tree is a function of the number of contributions alone; when they
arrive and where they are added changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar, final

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
Floats = npt.NDArray[np.float32]

#: A contribution between tasks: arrays, weight, loss. Arrays inside plain tuples are lent to a task without a copy.
Packed = tuple[tuple[Floats, ...], float, float]


@final
@dataclass(frozen=True, slots=True)
class Contribution:
    """What one partition, or several together, bring to an average."""

    #: Flat float32 arrays: the mean gradient and the buffers, or all arrays of the state.
    arrays: tuple[Floats, ...]
    #: Number of samples the means are over.
    weight: float
    #: Mean loss of those samples.
    loss: float

    def packed(self) -> Packed:
        """The form in which it travels."""
        return self.arrays, self.weight, self.loss


def mean(left: Contribution, right: Contribution) -> Contribution:
    """Weighted mean ``left + (right - left) * w_right / (w_left + w_right)``.

    In this form equal arrays stay equal bit for bit.

    Example:
        >>> half = mean(Contribution((), 1.0, 4.0), Contribution((), 3.0, 8.0))
        >>> half.weight, half.loss
        (4.0, 7.0)
    """
    share = right.weight / (left.weight + right.weight)
    return Contribution(
        tuple(
            one + (other - one) * np.float32(share)
            for one, other in zip(left.arrays, right.arrays, strict=True)
        ),
        left.weight + right.weight,
        left.loss + (right.loss - left.loss) * share,
    )


def merge_tree(items: Sequence[T], join: Callable[[T, T], T]) -> tuple[T, ...]:
    """Join neighbours until at most two are left; an odd one out waits for the next level.

    Example:
        >>> merge_tree("abcde", lambda left, right: f"({left}{right})")
        ('((ab)(cd))', 'e')
    """
    level = list(items)
    while len(level) > 2:
        joined = [join(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = joined + level[len(joined) * 2 :]
    return tuple(level)


def root(sides: tuple[Packed, ...]) -> Contribution | None:
    """The last join; ``None`` of nothing.

    Example:
        >>> merged = root((((), 1.0, 4.0), ((), 3.0, 8.0)))
        >>> merged.weight, merged.loss
        (4.0, 7.0)
    """
    contributions = [Contribution(*side) for side in sides]
    return reduce(mean, contributions) if contributions else None

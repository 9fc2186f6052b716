"""Schedules: the learning rate as a pure function of the step, so a resumed run continues the curve."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from dhcore.errors import OperationError

#: Number of updates already made -> learning rate of the next one.
Schedule = Callable[[int], float]


@final
@dataclass(frozen=True, slots=True)
class Constant:
    """The same rate at every step.

    >>> Constant(0.1)(1000)
    0.1
    """

    rate: float

    def __call__(self, step: int) -> float:  # noqa: ARG002 - a schedule is called with the step
        """Rate of the update that follows ``step`` updates."""
        return self.rate


@final
@dataclass(frozen=True, slots=True)
class Step:
    """The rate is multiplied by ``factor`` after every ``every`` updates: ``rate * factor ** (step // every)``.

    >>> [Step(0.1, every=2, factor=0.5)(step) for step in range(5)]
    [0.1, 0.1, 0.05, 0.05, 0.025]
    """

    rate: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise OperationError(f"every counts updates and is at least 1, got {self.every!r}")

    def __call__(self, step: int) -> float:
        """Rate of the update that follows ``step`` updates."""
        return self.rate * self.factor ** (step // self.every)


@final
@dataclass(frozen=True, slots=True)
class Cosine:
    """Linear warm-up, then half a cosine from ``rate`` down to ``floor``, which lasts.

    ``floor + (rate - floor) * (1 + cos(pi * t)) / 2``, with t from 0 to 1 over the updates after the warm-up
    (Loshchilov and Hutter, "SGDR", 2017, without restarts).

    Args:
        rate: highest learning rate.
        steps: number of updates until the floor is reached, warm-up included.
        floor: lowest learning rate.
        warmup: number of updates of linear growth; the first one already moves.

    >>> schedule = Cosine(1.0, steps=4)
    >>> [round(schedule(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    >>> [Cosine(1.0, steps=8, warmup=4)(step) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    rate: float
    steps: int
    floor: float = 0.0
    warmup: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < self.steps:
            raise OperationError(
                f"expected 0 <= warmup < steps, got warmup={self.warmup!r} and steps={self.steps!r}"
            )

    def __call__(self, step: int) -> float:
        """Rate of the update that follows ``step`` updates."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / (self.steps - self.warmup))
        return self.floor + (self.rate - self.floor) * (1 + math.cos(math.pi * done)) / 2

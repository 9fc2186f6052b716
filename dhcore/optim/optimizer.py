"""What an optimizer is: a pure rule on flat arrays, with its state kept by the caller.

An optimizer holds figures only. Parameters, gradient and slots are flat float32 arrays of one layout, whichever it is:
the rule works element by element. So the same optimizer updates a model, a plan's arena and a replica on a worker.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from dhcore import threads
from dhcore.errors import OperationError, ShapeError
from dhcore.optim.clipping import clip_by_norm

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Optimizer(ABC):
    """A rule that changes parameters along a gradient.

    Args:
        learning_rate: a number, or a schedule: number of updates made -> learning rate.
        clip_norm: longest gradient that is applied as it is; longer ones are scaled down.
    """

    learning_rate: float | Callable[[int], float] = 0.01
    clip_norm: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not callable(self.learning_rate):
            require("learning_rate", self.learning_rate)
        if self.clip_norm is not None:
            require("clip_norm", self.clip_norm)

    @property
    @abstractmethod
    def slot_names(self) -> tuple[str, ...]:
        """Names of the arrays the rule keeps, each of the parameters' length."""

    def rate(self, step: int) -> float:
        """Learning rate of the update that follows ``step`` updates."""
        return self.learning_rate(step) if callable(self.learning_rate) else self.learning_rate

    def slots(self, size: int) -> dict[str, Floats]:
        """Fresh state for ``size`` parameters: one array of zeros per slot."""
        return {name: np.zeros(size, np.float32) for name in self.slot_names}

    def update(
        self,
        parameters: Floats,
        gradient: Floats,
        slots: Mapping[str, Floats],
        step: int,
        *,
        decay: Flags | None = None,
        trainable: Flags | None = None,
    ) -> None:
        """Apply one gradient in place.

        Args:
            parameters: flat float32 array, changed.
            gradient: flat float32 array of the same length, left as it is.
            slots: what ``slots(parameters.size)`` gave, changed.
            step: number of updates already made.
            decay: where weight decay applies; everywhere by default.
            trainable: where the update applies; everywhere by default.

        Raises:
            ShapeError: the arrays differ in length or type.
            OperationError: a slot is missing.
        """
        if decay is None or trainable is None:
            everywhere = _everywhere(parameters.size)
            decay = everywhere if decay is None else decay
            trainable = everywhere if trainable is None else trainable
        arrays = {"parameters": parameters, "gradient": gradient}
        arrays |= {name: _slot(slots, name, self) for name in self.slot_names}
        _check(arrays, parameters.size, np.dtype(np.float32))
        _check({"decay": decay, "trainable": trainable}, parameters.size, np.dtype(np.bool_))
        if self.clip_norm is not None:
            counted = gradient if trainable.all() else np.where(trainable, gradient, np.float32(0))
            gradient = clip_by_norm(counted, self.clip_norm)
        threads.synchronise()
        self._apply(parameters, gradient, slots, step, decay, trainable)

    @abstractmethod
    def _apply(
        self,
        parameters: Floats,
        gradient: Floats,
        slots: Mapping[str, Floats],
        step: int,
        decay: Flags,
        trainable: Flags,
    ) -> None:
        """Run the kernel of the rule on checked arrays."""


@lru_cache(maxsize=4)
def _everywhere(size: int) -> Flags:
    flags = np.ones(size, np.bool_)
    flags.setflags(write=False)
    return flags


def require(name: str, figure: object) -> None:
    """Check that a figure of an optimizer is a finite number of 0 or more."""
    if not (isinstance(figure, Real) and 0 <= float(figure) < math.inf):
        raise OperationError(f"{name}: expected a finite number of 0 or more, found {figure!r}")


def _slot(slots: Mapping[str, Floats], name: str, optimizer: Optimizer) -> Floats:
    if name not in slots:
        raise OperationError(
            f"{type(optimizer).__name__} keeps the slots {optimizer.slot_names!r}, found {sorted(slots)!r}; "
            f"make them with slots(parameters.size)"
        )
    return slots[name]


def _check(
    arrays: Mapping[str, NDArray[np.generic]], size: int, dtype: np.dtype[np.generic]
) -> None:
    for name, array in arrays.items():
        if array.shape != (size,) or array.dtype != dtype:
            found = f"shape {array.shape!r} {array.dtype.name}"
            raise ShapeError(name, f"a flat array of {size} {dtype.name}", found)

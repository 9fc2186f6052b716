"""Everything that training changes, as flat arrays: what a checkpoint holds and what travels between replicas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from dhcore.errors import StateError

Floats = NDArray[np.float32]


@final
@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Parameters, buffers, optimizer slots and the number of updates behind them.

    Args:
        parameters: flat float32, in the order of the graph's slots.
        buffers: flat float32, in the order of the graph's slots.
        optimizer: name of an optimizer's slot -> flat float32 of the parameters' length.
        step: number of updates made.

    Raises:
        StateError: an array is not flat float32, or a slot has another length than the parameters.

    >>> state = State(np.zeros(3, np.float32), np.zeros(0, np.float32))
    >>> state.step, state.equals(state)
    (0, True)
    """

    parameters: Floats
    buffers: Floats
    optimizer: Mapping[str, Floats] = field(default_factory=dict)
    step: int = 0

    def __post_init__(self) -> None:
        for name, array in self.arrays().items():
            if array.ndim != 1 or array.dtype != np.float32:
                found = f"shape {array.shape} {array.dtype.name}"
                raise StateError(f"{name}: expected a flat array of float32, found {found}")
        for name, array in self.optimizer.items():
            if array.size != self.parameters.size:
                raise StateError(
                    f"optimizer slot {name!r}: expected {self.parameters.size} elements like the parameters, "
                    f"found {array.size}"
                )

    def arrays(self) -> dict[str, Floats]:
        """Every array under its name: ``parameters``, ``buffers``, ``optimizer.<slot>``."""
        slots = {f"optimizer.{name}": array for name, array in sorted(self.optimizer.items())}
        return {"parameters": self.parameters, "buffers": self.buffers, **slots}

    def equals(self, other: State) -> bool:
        """Whether both hold the same bits."""
        mine, theirs = self.arrays(), other.arrays()
        return (
            self.step == other.step
            and mine.keys() == theirs.keys()
            and all(mine[name].tobytes() == theirs[name].tobytes() for name in mine)
        )

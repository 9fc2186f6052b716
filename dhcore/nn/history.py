"""What was measured, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Epoch:
    """The figures of one pass over the training samples."""

    #: 1 for the first.
    number: int
    #: ``loss``, the metrics, and with validation data the same with ``validation_`` before.
    figures: Mapping[str, float]
    seconds: float

    def __str__(self) -> str:
        listed = "  ".join(f"{name} {value:.4f}" for name, value in self.figures.items())
        return f"epoch {self.number}  {listed}  {self.seconds:.1f} s"


@final
@dataclass(frozen=True, slots=True)
class History:
    """The epochs of one call of fit.

    >>> history = History((Epoch(1, {"loss": 0.7}, 1.0), Epoch(2, {"loss": 0.4}, 1.0)))
    >>> history["loss"], history.best("loss").number
    ([0.7, 0.4], 2)
    """

    epochs: tuple[Epoch, ...] = ()

    def __getitem__(self, name: str) -> list[float]:
        """A figure over the epochs."""
        return [epoch.figures[name] for epoch in self.epochs]

    def best(self, name: str, *, highest: bool = False) -> Epoch:
        """The epoch with the lowest (or highest) value of a figure, the earliest of equal ones."""
        sign = -1 if highest else 1
        return min(self.epochs, key=lambda epoch: sign * epoch.figures[name])

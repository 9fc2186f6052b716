"""What a training leaves: one record an epoch, and the states worth keeping."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from dhcore.nn import State


@final
@dataclass(frozen=True, slots=True)
class EpochRecord:
    """The figures of one epoch; equal when the figures are, however long it took."""

    #: Number of the epoch, from 0.
    epoch: int
    #: Mean loss of the training samples, each as the model stood when it was read.
    training_loss: float
    #: Loss and metrics of the validation samples after the epoch; empty without validation samples.
    validation: Mapping[str, float]
    #: Training samples read.
    samples: int
    #: Optimizer steps taken since the training began.
    steps: int
    #: Wall-clock seconds of training and validation.
    seconds: float = field(compare=False)

    @property
    def samples_per_second(self) -> float:
        """Training samples divided by the seconds of the whole epoch."""
        return self.samples / self.seconds if self.seconds > 0 else 0.0


@final
@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training leaves."""

    #: Parameters, buffers and optimizer slots after the last epoch.
    state: State
    #: Those after the best epoch; the last ones when there are no validation samples.
    best_state: State
    #: Number of the best epoch.
    best_epoch: int
    history: tuple[EpochRecord, ...]
    #: Wall-clock seconds of all epochs, those before a resume included.
    seconds: float
    #: Epoch from which a resumed training went on; ``None`` if it began anew.
    resumed_from: int | None = None


def is_better(name: str, value: float, best: float) -> bool:
    """Whether a figure beats the best so far: a loss by being smaller, a metric by being larger.

    Example:
        >>> is_better("dice", 0.9, 0.8), is_better("loss", 0.9, 0.8)
        (True, False)
        >>> is_better("dice", 0.1, float("nan"))
        True
    """
    if math.isnan(best):
        return not math.isnan(value)
    return value < best if name == "loss" else value > best


@final
@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a state is worth on some samples."""

    #: Loss and metrics.
    figures: Mapping[str, float]
    #: Metrics that have a figure for each class: those figures, not a number for a class that does not occur.
    per_class: Mapping[str, tuple[float, ...]]

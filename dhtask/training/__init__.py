"""Data-parallel training as a task graph."""

from __future__ import annotations

from dhtask.training.configuration import Mode, TrainingConfig
from dhtask.training.errors import (
    CheckpointError,
    ResumeError,
    TrainingConfigError,
    TrainingError,
)

__all__ = [
    "CheckpointError",
    "Mode",
    "ResumeError",
    "TrainingConfig",
    "TrainingConfigError",
    "TrainingError",
]

"""What can go wrong in a training.

::

    DhtaskError
    └── TrainingError
        ├── TrainingConfigError (ValueError)   a value that cannot be trained with
        ├── CheckpointError (OSError)          a checkpoint cannot be written or read
        └── ResumeError (ValueError)           a checkpoint belongs to another training
"""

from __future__ import annotations

from pathlib import Path

from dhtask.errors import DhtaskError


class TrainingError(DhtaskError):
    """A training cannot begin or go on."""


class TrainingConfigError(TrainingError, ValueError):
    """A value of the configuration makes no sense, alone or with the data."""


class CheckpointError(TrainingError, OSError):
    """A checkpoint cannot be written or read; what was there before is as it was."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(path, problem)
        #: The checkpoint at fault.
        self.path = path
        #: What is wrong, in one sentence.
        self.problem = problem

    def __str__(self) -> str:
        """Path and problem in one line."""
        return f"{self.path}: {self.problem}"


class ResumeError(TrainingError, ValueError):
    """The checkpoint to resume from was made by a different training."""

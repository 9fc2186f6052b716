"""What can go wrong before training: the data.

::

    DhtaskError
    └── PipelineError
        ├── PartitionError (ValueError)      more partitions than samples
        ├── EmptySplitError (ValueError)     a split without samples
        └── BadFileError (ValueError)        a file that cannot be read or does not fit the others
"""

from __future__ import annotations

from dhtask.errors import DhtaskError


class PipelineError(DhtaskError):
    """A dataset cannot be prepared."""


class PartitionError(PipelineError, ValueError):
    """The samples cannot be cut into as many partitions as asked."""


class EmptySplitError(PipelineError, ValueError):
    """A split of the dataset has no samples, or none that can be read."""


class BadFileError(PipelineError, ValueError):
    """A file cannot be read, or does not fit the others."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        #: The image or mask at fault.
        self.path = path
        #: What is wrong with it, in one sentence.
        self.problem = problem

    def __str__(self) -> str:
        """Path and problem in one line."""
        return f"{self.path}: {self.problem}"

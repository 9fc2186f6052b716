"""What can go wrong before training: the data. A file that cannot be used is a :class:`dhcore.data.SampleError`.

::

    DhtaskError
    └── PipelineError
        ├── PartitionError (ValueError)      more partitions than samples
        └── EmptySplitError (ValueError)     a split without samples
"""

from __future__ import annotations

from dhtask.errors import DhtaskError


class PipelineError(DhtaskError):
    """A dataset cannot be prepared."""


class PartitionError(PipelineError, ValueError):
    """The samples cannot be cut into as many partitions as asked."""


class EmptySplitError(PipelineError, ValueError):
    """A split of the dataset has no samples, or none that can be used."""

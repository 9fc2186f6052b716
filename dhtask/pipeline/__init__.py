"""Pre-processing of datasets as tasks, one per shard.

A dataset's entries are cut into partitions; for each a task reads the files, converts them, resizes them or cuts them
into tiles, and normalises. The arrays stay on the worker that made them; the program holds futures of them.
"""

from __future__ import annotations

from dhtask.pipeline.errors import EmptySplitError, PartitionError, PipelineError
from dhtask.pipeline.partition import partition
from dhtask.pipeline.preparation import BadFiles, Prepared, ShardReport, prepare
from dhtask.pipeline.recipe import Recipe
from dhtask.pipeline.shard import Shard, shards_from_arrays

__all__ = [
    "BadFiles",
    "EmptySplitError",
    "PartitionError",
    "PipelineError",
    "Prepared",
    "Recipe",
    "Shard",
    "ShardReport",
    "partition",
    "prepare",
    "shards_from_arrays",
]

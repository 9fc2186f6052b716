"""Data-parallel training as a task graph.

Samples lie in shards, one per partition, on the workers. Every partition has a replica of the model; each step, the
partitions' gradients are averaged in a tree of fixed shape and every replica takes the same step. All that decides the
numbers is in the configuration and the data: the executor, the number of workers and their deaths change nothing.

    config = TrainingConfig(network="unet", batch_size=16, epochs=20, checkpoint=Path("out"))
    result = train(config, training.shards, validation.shards, classes=2, observer=EpochLines())
"""

from __future__ import annotations

from dhtask.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from dhtask.training.configuration import Mode, NetworkBuilder, TrainingConfig
from dhtask.training.errors import (
    CheckpointError,
    ResumeError,
    TrainingConfigError,
    TrainingError,
)
from dhtask.training.progress import EpochLines, Silence, TrainingObserver
from dhtask.training.result import EpochRecord, Evaluation, TrainingResult
from dhtask.training.samples import Samples
from dhtask.training.training import evaluate, predict, train

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "EpochLines",
    "EpochRecord",
    "Evaluation",
    "Mode",
    "NetworkBuilder",
    "ResumeError",
    "Samples",
    "Silence",
    "TrainingConfig",
    "TrainingConfigError",
    "TrainingError",
    "TrainingObserver",
    "TrainingResult",
    "evaluate",
    "predict",
    "read_checkpoint",
    "train",
    "write_checkpoint",
]

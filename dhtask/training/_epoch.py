"""The task graph of one epoch.

::

    state ─┬─ restore ── gradient ─┬─ gradient ─┬─ ... ── close ── state, loss
           │                    ╲  │         ╲  │
           │                     ╳ │          ╳ │          every replica reads what all partitions contributed to the
           │                    ╱  │         ╱  │          step before: both sides of the root of the merge tree
           └─ restore ── gradient ─┴─ gradient ─┴─ ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from dhcore.nn import State
from dhtask.training import _tasks
from dhtask.training._batch import Augmentation
from dhtask.training._merge import merge_tree
from dhtask.training._replica import ModelRecipe
from dhtask.training._schedule import EpochSchedule, epoch_schedule
from dhtask.training.configuration import TrainingConfig
from dhtask.training.samples import Samples

#: Takes and gives futures inside a runtime, contributions outside.
_MERGE: Final[Callable[[Any, Any], Any]] = _tasks.merge


@final
@dataclass(frozen=True, slots=True)
class EpochFutures:
    """What an epoch will give; futures inside a runtime."""

    #: State after the epoch.
    state: Any
    #: Mean training loss.
    loss: Any
    #: Steps of the epoch.
    steps: int


@final
@dataclass(frozen=True, slots=True)
class _Partition:
    replica: Any
    shard: Samples
    augmentation: Augmentation


def submit_epoch(
    config: TrainingConfig,
    recipe: ModelRecipe,
    shards: Sequence[Samples],
    state: Any,
    epoch: int,
) -> EpochFutures:
    """Call every task of an epoch that begins with a state, or with a future of it."""
    sizes = [shard.count for shard in shards]
    schedule = epoch_schedule(sizes, batch_size=config.batch_size, seed=config.seed, epoch=epoch)
    held: Any = _tasks.hold(state) if isinstance(state, State) else state
    partitions = [
        _Partition(
            _tasks.restore(held, recipe, index, shard.images),
            shard,
            Augmentation(config.augmentation, config.seed, epoch, sum(sizes[:index])),
        )
        for index, shard in enumerate(shards)
    ]
    gradients = config.mode == "gradient"
    if gradients:
        sides = _gradient_steps(schedule, partitions, config.computing_units)
    else:
        sides = _local_rounds(schedule, partitions, config)
    leader = partitions[schedule.leader].replica
    close = _tasks.occupying(_tasks.close_epoch, config.computing_units)
    closed = close(leader, sides, gradients=gradients)
    return EpochFutures(closed[0], closed[1], schedule.steps)


def _gradient_steps(
    schedule: EpochSchedule, partitions: Sequence[_Partition], units: int
) -> tuple[Any, ...]:
    gradient_step = _tasks.occupying(_tasks.gradient_step, units)
    sides: tuple[Any, ...] = ()
    for step in range(schedule.steps):
        contributions = [
            gradient_step(
                own.replica,
                sides,
                own.shard.images,
                own.shard.targets,
                batches[step],
                own.augmentation,
            )
            for own, batches in zip(partitions, schedule.batches, strict=True)
            if step < len(batches)
        ]
        sides = merge_tree(contributions, _MERGE)
    return sides


def _local_rounds(
    schedule: EpochSchedule, partitions: Sequence[_Partition], config: TrainingConfig
) -> tuple[Any, ...]:
    local_round = _tasks.occupying(_tasks.local_round, config.computing_units)
    sides: tuple[Any, ...] = ()
    for batches_of in schedule.rounds(config.local_steps):
        contributions = [
            local_round(
                own.replica, sides, own.shard.images, own.shard.targets, batches, own.augmentation
            )
            for own, batches in zip(partitions, batches_of, strict=True)
            if batches
        ]
        sides = merge_tree(contributions, _MERGE)
    return sides


def submit_evaluation(
    recipe: ModelRecipe, shards: Sequence[Samples], state: Any, batch_size: int
) -> list[Any]:
    """Call the evaluation of every shard; measurements in the order of the shards."""
    evaluate = _tasks.occupying(_tasks.evaluate, recipe.threads)
    return [evaluate(state, recipe, shard.images, shard.targets, batch_size) for shard in shards]

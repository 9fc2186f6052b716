"""The tasks of an epoch; ``_epoch`` says how they hang together.

Values that many tasks read are arrays or plain tuples: those are lent to a task as they lie in memory, everything else
is copied for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from dhcore import threads
from dhcore.metrics import Average
from dhcore.nn import Measurement, State
from dhtask import INOUT, constraint, task
from dhtask.training._batch import Augmentation
from dhtask.training._merge import Contribution, Packed, mean, root
from dhtask.training._replica import ModelRecipe, Replica, borrow, give_back
from dhtask.training._schedule import Indices

Array = npt.NDArray[Any]


@cache
def occupying(chosen: Callable[..., Any], units: int) -> Callable[..., Any]:
    """The same task, which keeps several computing units of its worker busy."""
    return chosen if units == 1 else constraint(computing_units=units)(chosen)


@task(returns=1)
def hold(state: State) -> State:
    """Keep the state that opens an epoch on a worker: it travels from the program once, and lineage begins here."""
    return state


@task(returns=1)
def restore(
    state: State,
    recipe: ModelRecipe,
    partition: int,
    images: Array,  # noqa: ARG001 - read so that the replica is made where the samples lie
) -> Replica:
    """Make the replica of a partition."""
    return Replica(recipe, partition, state)


@task(replica=INOUT, returns=1)
def gradient_step(
    replica: Replica,
    sides: tuple[Packed, ...],
    images: Array,
    targets: Array,
    batch: Indices,
    augmentation: Augmentation,
) -> Packed:
    """Apply the mean gradient of the step before, then compute the own share of the next."""
    with threads.limit(replica.recipe.threads):
        merged = root(sides)
        if merged is not None:
            replica.apply_gradient(merged)
        return replica.gradient(*augmentation.apply(images, targets, batch)).packed()


@task(replica=INOUT, returns=1)
def local_round(
    replica: Replica,
    sides: tuple[Packed, ...],
    images: Array,
    targets: Array,
    batches: tuple[Indices, ...],
    augmentation: Augmentation,
) -> Packed:
    """Go on from the mean of the round before, and take some steps alone."""
    with threads.limit(replica.recipe.threads):
        merged = root(sides)
        if merged is not None:
            replica.adopt_state(merged)
        loss = Average()
        for batch in batches:
            loss = loss.merged(replica.take_step(*augmentation.apply(images, targets, batch)))
        return replica.local_state(loss.weight, loss.value).packed()


@task(returns=1)
def merge(left: Packed, right: Packed) -> Packed:
    """Weighted mean of two contributions."""
    return mean(Contribution(*left), Contribution(*right)).packed()


@task(replica=INOUT, returns=2)
def close_epoch(
    replica: Replica,
    sides: tuple[Packed, ...],
    gradients: bool,  # noqa: FBT001 - tasks take their arguments by position or name
) -> tuple[State, float]:
    """Apply the last mean, of gradients or of states; the state after the epoch, and its mean training loss."""
    with threads.limit(replica.recipe.threads):
        merged = root(sides)
        if merged is not None:
            (replica.apply_gradient if gradients else replica.adopt_state)(merged)
        return replica.model.state, replica.loss


@task(returns=1)
def evaluate(
    state: State, recipe: ModelRecipe, images: Array, targets: Array, batch_size: int
) -> Measurement:
    """Loss and tallies of the samples of one partition."""
    model = borrow(recipe)
    try:
        with threads.limit(recipe.threads):
            # Without the optimizer's slots there is nothing to copy that evaluation does not need.
            model.load_state(State(state.parameters, state.buffers, step=state.step))
            return model.measure(images, targets, batch_size=batch_size)
    finally:
        give_back(recipe, model)


@task(returns=1)
def predict(state: State, recipe: ModelRecipe, images: Array, batch_size: int) -> Array:
    """Scores of the samples of one partition, (samples, classes, *spatial)."""
    model = borrow(recipe)
    try:
        with threads.limit(recipe.threads):
            model.load_state(State(state.parameters, state.buffers, step=state.step))
            return np.asarray(model.predict(images, batch_size=batch_size))
    finally:
        give_back(recipe, model)

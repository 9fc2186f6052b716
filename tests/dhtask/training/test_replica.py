"""Replicas: they travel as their state, and the models they leave are used again."""

from __future__ import annotations

import copy
import dataclasses
import gc
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from dhcore.optim import Adam
from dhtask.training import TrainingConfig
from dhtask.training._merge import Contribution
from dhtask.training._replica import ModelRecipe, Replica, borrow
from tests.dhtask.training.networks import CLASSES, normalised, pictures

RECIPE = ModelRecipe.of(
    TrainingConfig(network=normalised, optimizer=Adam(0.01)), (1, 8, 8), CLASSES
)


def trained() -> Replica:
    images, targets = pictures(4)
    replica = Replica(RECIPE, 1, RECIPE.build().state)
    replica.take_step(images, targets)
    merged = replica.gradient(images, targets)
    replica.apply_gradient(merged)
    return replica


@pytest.mark.parametrize("journey", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_a_replica_travels_with_all_that_training_changes(
    journey: Callable[[Replica], Replica],
) -> None:
    replica = trained()
    images, targets = pictures(3, 1)
    other = journey(replica)
    assert other.model is not replica.model
    assert other.model.state.equals(replica.model.state)
    assert (other.loss, other.samples, other.partition) == (replica.loss, replica.samples, 1)
    one, two = replica.gradient(images, targets), other.gradient(images, targets)
    np.testing.assert_array_equal(one.arrays[0], two.arrays[0])


def test_a_copy_that_is_trained_leaves_the_original_alone() -> None:
    replica = trained()
    before = replica.model.state
    images, targets = pictures(4)
    copy.deepcopy(replica).take_step(images, targets)
    assert replica.model.state.equals(before)


def test_the_model_of_a_replica_that_is_gone_is_used_again() -> None:
    recipe = dataclasses.replace(RECIPE, seed=5)
    replica = Replica(recipe, 0, RECIPE.build().state)
    model = replica.model
    del replica
    gc.collect()
    assert borrow(recipe) is model


def test_a_model_that_is_used_again_carries_nothing_over() -> None:
    fresh = RECIPE.build().state
    images, targets = pictures(4)
    first = Replica(RECIPE, 0, fresh).gradient(images, targets)
    trained()
    gc.collect()
    again = Replica(RECIPE, 0, fresh).gradient(images, targets)
    for one, other in zip(first.arrays, again.arrays, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples() -> None:
    replica = trained()
    state = replica.model.state
    replica = Replica(RECIPE, 0, state)
    for weight, loss in ((4.0, 1.0), (1.0, 6.0)):
        replica.adopt_state(Contribution(tuple(state.arrays().values()), weight, loss))
    assert replica.loss == 2.0
    assert replica.samples == 5.0
    assert replica.model.state.equals(state)

"""Training: partitions change nothing but the speed, and every sample counts once."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from dhcore.nn import Model, State
from dhcore.optim import SGD, Adam
from dhtask.pipeline import Shard
from dhtask.training import (
    EpochRecord,
    TrainingConfig,
    TrainingConfigError,
    TrainingResult,
    evaluate,
    predict,
    train,
)
from dhtask.training._schedule import epoch_schedule
from tests.dhtask.training.networks import CLASSES, dropping, normalised, pictures, plain, shards

CONFIG = TrainingConfig(
    network=plain, batch_size=6, epochs=2, optimizer=Adam(0.01), metrics=("dice", "accuracy")
)


def run(config: TrainingConfig, count: int = 19, partitions: int = 3) -> TrainingResult:
    return train(
        config, shards(count, partitions), shards(7, min(partitions, 2), 1), classes=CLASSES
    )


def single_process(
    config: TrainingConfig, count: int, partitions: int
) -> tuple[State, list[float]]:
    """The same training without partitions: one model, the union of the batches."""
    images, targets = pictures(count)
    model: Model = plain((1, 8, 8), CLASSES)
    model.compile(config.optimizer, config.loss, seed=config.seed)
    sizes = [shard.count for shard in shards(count, partitions)]
    losses = []
    for epoch in range(config.epochs):
        schedule = epoch_schedule(
            sizes, batch_size=config.batch_size, seed=config.seed, epoch=epoch
        )
        total = 0.0
        for step in range(schedule.steps):
            union = np.concatenate(
                [
                    own[step] + sum(sizes[:index])
                    for index, own in enumerate(schedule.batches)
                    if step < len(own)
                ]
            )
            gradient = model.gradients(images[union], targets[union])
            model.apply_gradients(gradient.values)
            total += gradient.loss * len(union)
        losses.append(total / count)
    return model.state, losses


@pytest.mark.parametrize("partitions", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [10, 19])
def test_gradient_mode_equals_training_on_the_union_in_one_process(
    partitions: int, count: int
) -> None:
    # With plain descent an error of rounding stays one; Adam divides by gradients that may be tiny.
    config = dataclasses.replace(CONFIG, optimizer=SGD(0.1, momentum=0.9))
    result = train(config, shards(count, partitions), classes=CLASSES)
    state, losses = single_process(config, count, partitions)
    np.testing.assert_allclose(result.state.parameters, state.parameters, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose([r.training_loss for r in result.history], losses, rtol=1e-5)
    assert result.state.step == state.step


def test_partitions_of_very_unequal_size_count_by_their_samples() -> None:
    images, targets = pictures(19)
    cuts = (0, 2, 15, 19)
    uneven = [
        Shard(images[a:b], targets[a:b], tuple(map(str, range(a, b))), (1, 8, 8))
        for a, b in itertools.pairwise(cuts)
    ]
    config = dataclasses.replace(CONFIG, optimizer=SGD(0.1), epochs=1, batch_size=40)
    result = train(config, uneven, classes=CLASSES)
    model = plain((1, 8, 8), CLASSES)
    model.compile(config.optimizer, config.loss, seed=config.seed)
    whole = model.gradients(images, targets)
    model.apply_gradients(whole.values)
    np.testing.assert_allclose(
        result.state.parameters, model.state.parameters, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(result.history[0].training_loss, whole.loss, rtol=1e-6)


def test_local_mode_of_one_partition_is_plain_training_bit_for_bit() -> None:
    local = train(
        dataclasses.replace(CONFIG, mode="local", local_steps=3), shards(19, 1), classes=CLASSES
    )
    plainly = train(CONFIG, shards(19, 1), classes=CLASSES)
    assert local.state.equals(plainly.state)
    assert [r.steps for r in local.history] == [r.steps for r in plainly.history] == [4, 8]


def test_local_mode_averages_all_arrays_by_samples() -> None:
    config = dataclasses.replace(
        CONFIG, mode="local", local_steps=10, epochs=1, optimizer=SGD(0.1, momentum=0.9)
    )
    images, targets = pictures(7)
    result = train(config, shards(7, 2), classes=CLASSES)
    schedule = epoch_schedule((4, 3), batch_size=6, seed=0, epoch=0)
    ends = []
    for first, batches in zip((0, 4), schedule.batches, strict=True):
        model = plain((1, 8, 8), CLASSES)
        model.compile(config.optimizer, config.loss, seed=config.seed)
        for batch in batches:
            model.apply_gradients(
                model.gradients(images[first + batch], targets[first + batch]).values
            )
        ends.append(model.state.arrays())
    assert any(name.startswith("optimizer") for name in ends[0])
    for name, array in result.state.arrays().items():
        exact = (4 * ends[0][name].astype(np.float64) + 3 * ends[1][name]) / 7
        np.testing.assert_allclose(array, exact, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("mode", ["gradient", "local"])
def test_running_statistics_are_merged_by_samples(mode: str) -> None:
    config = dataclasses.replace(
        CONFIG, network=normalised, mode=mode, epochs=1, batch_size=40, optimizer=SGD(1e-6)
    )
    images, targets = pictures(7)
    result = train(config, shards(7, 2), classes=CLASSES)
    ends = []
    for start, stop in ((0, 4), (4, 7)):
        model = normalised((1, 8, 8), CLASSES)
        model.compile(config.optimizer, config.loss, seed=config.seed)
        model.gradients(images[start:stop], targets[start:stop])
        ends.append(model.state.buffers.astype(np.float64))
    assert not np.allclose(ends[0], ends[1])
    np.testing.assert_allclose(result.state.buffers, (4 * ends[0] + 3 * ends[1]) / 7, rtol=1e-5)


def test_training_reduces_the_loss_and_finds_the_pattern() -> None:
    result = run(dataclasses.replace(CONFIG, epochs=25, optimizer=Adam(0.03)), count=40)
    assert result.history[-1].training_loss < 0.5 * result.history[0].training_loss
    assert result.history[-1].validation["dice"] > 0.85


@pytest.mark.parametrize("network", [plain, normalised, dropping])
@pytest.mark.parametrize("mode", ["gradient", "local"])
def test_the_same_seed_gives_the_same_bits(network: object, mode: str) -> None:
    config = dataclasses.replace(CONFIG, network=network, mode=mode, local_steps=2)
    one, other = run(config), run(config)
    assert one.state.equals(other.state)
    assert one.history == other.history


def test_another_seed_gives_another_training() -> None:
    assert run(CONFIG).history != run(dataclasses.replace(CONFIG, seed=1)).history


def test_partitions_drop_different_elements() -> None:
    images, targets = pictures(4)
    twice = [Shard(images, targets, ("a", "b", "c", "d"), (1, 8, 8))] * 2
    once = twice[:1]
    config = dataclasses.replace(
        CONFIG, network=dropping, epochs=1, batch_size=100, optimizer=SGD(0.1)
    )
    # With equal masks two copies of the data would give the gradient of one.
    assert not np.allclose(
        train(config, twice, classes=CLASSES).state.parameters,
        train(config, once, classes=CLASSES).state.parameters,
        atol=1e-5,
    )


def test_validation_figures_are_those_of_all_samples_together() -> None:
    result = run(CONFIG)
    images, targets = pictures(7, 1)
    model = plain((1, 8, 8), CLASSES)
    model.compile(CONFIG.optimizer, CONFIG.loss, CONFIG.metrics)
    model.load_state(result.state)
    exact = model.evaluate(images, targets)
    assert result.history[-1].validation.keys() == exact.keys()
    for name, value in result.history[-1].validation.items():
        np.testing.assert_allclose(value, exact[name], rtol=1e-6)


def test_the_best_state_is_that_of_the_best_validation_figure() -> None:
    result = run(dataclasses.replace(CONFIG, epochs=6, optimizer=Adam(0.3), keep_best="loss"))
    losses = [record.validation["loss"] for record in result.history]
    assert result.best_epoch == int(np.argmin(losses))
    shorter = run(
        dataclasses.replace(
            CONFIG, epochs=result.best_epoch + 1, optimizer=Adam(0.3), keep_best="loss"
        )
    )
    assert result.best_state.equals(shorter.state)


def test_without_validation_samples_the_last_state_is_the_best() -> None:
    result = train(CONFIG, shards(9, 2), classes=CLASSES)
    assert result.best_epoch == 1
    assert result.best_state.equals(result.state)
    assert result.history[-1].validation == {}


def test_augmentation_depends_on_the_sample_not_on_the_partition() -> None:
    config = dataclasses.replace(
        CONFIG,
        augmentation="Flip(axis='x')\nFlip(axis='y')",
        epochs=1,
        batch_size=100,
        optimizer=SGD(0.1),
    )
    one = train(config, shards(12, 1), classes=CLASSES)
    four = train(config, shards(12, 4), classes=CLASSES)
    without = train(dataclasses.replace(config, augmentation=""), shards(12, 1), classes=CLASSES)
    np.testing.assert_allclose(one.state.parameters, four.state.parameters, rtol=1e-5, atol=1e-7)
    assert not np.allclose(one.state.parameters, without.state.parameters, atol=1e-5)


def test_evaluation_gives_a_figure_for_every_class() -> None:
    result = run(CONFIG)
    held_out = shards(9, 3, 5)
    evaluation = evaluate(CONFIG, result.state, held_out, classes=CLASSES)
    scores = np.concatenate(predict(CONFIG, result.state, held_out, classes=CLASSES))
    predicted, truth = scores.argmax(axis=1), pictures(9, 5)[1]
    for index in range(CLASSES):
        both = np.sum((predicted == index) & (truth == index))
        exact = 2 * both / (np.sum(predicted == index) + np.sum(truth == index))
        np.testing.assert_allclose(evaluation.per_class["dice"][index], exact)
    np.testing.assert_allclose(evaluation.figures["accuracy"], np.mean(predicted == truth))


def test_an_observer_hears_of_every_epoch_and_of_the_end() -> None:
    heard: list[object] = []

    class Listener:
        def epoch_began(self, epoch: int, epochs: int, steps: int) -> None:
            heard.append((epoch, epochs, steps))

        def epoch_ended(self, record: EpochRecord, epochs: int) -> None:
            heard.append((record.epoch, epochs))

        def training_ended(self) -> None:
            heard.append("end")

    train(CONFIG, shards(9, 2), classes=CLASSES, observer=Listener())
    assert heard == [(0, 2, 2), (0, 2), (1, 2, 2), (1, 2), "end"]


def test_an_unknown_network_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(TrainingConfigError, match=r"unet"):
        run(dataclasses.replace(CONFIG, network="u-net"))


def test_an_unknown_metric_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(TrainingConfigError, match=r"accuracy.*found 'precison'"):
        run(dataclasses.replace(CONFIG, metrics=("precison",)))


def test_images_of_different_shapes_are_an_error() -> None:
    small = Shard(
        np.zeros((1, 1, 4, 4), np.float32), np.zeros((1, 4, 4), np.uint8), ("a",), (1, 4, 4)
    )
    with pytest.raises(TrainingConfigError, match="all samples must have one shape"):
        train(CONFIG, [*shards(4, 1), small], classes=CLASSES)


def test_no_shards_is_an_error() -> None:
    with pytest.raises(TrainingConfigError, match="at least one shard"):
        train(CONFIG, [], classes=CLASSES)


def test_an_augmentation_that_changes_the_size_is_an_error() -> None:
    config = dataclasses.replace(CONFIG, augmentation="RandomCrop(size=(4, 4))")
    with pytest.raises(TrainingConfigError, match="use transforms that keep the size"):
        run(config)


def test_an_augmentation_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(TrainingConfigError, match=r"augmentation: .*Flop"):
        run(dataclasses.replace(CONFIG, augmentation="Flop()"))

"""Where a training runs, and who dies on the way, changes no figure."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path

import pytest

import dhtask
from dhcore.optim import Adam
from dhtask._model.observation import Observation, TaskCalled, TaskEnded
from dhtask.training import TrainingConfig, TrainingResult, read_checkpoint, train, training
from tests.dhtask.training.networks import CLASSES, normalised, shards

CONFIG = TrainingConfig(
    network=normalised,
    batch_size=6,
    epochs=2,
    optimizer=Adam(0.01),
    metrics=("dice", "auc"),
    augmentation="Flip()",
)


def run(config: TrainingConfig = CONFIG) -> TrainingResult:
    return train(config, shards(19, 3), shards(7, 2, 1), classes=CLASSES)


def assert_equal(one: TrainingResult, other: TrainingResult) -> None:
    assert one.history == other.history
    assert one.state.equals(other.state)
    assert one.best_state.equals(other.best_state)


@pytest.mark.parametrize("mode", ["gradient", "local"])
def test_the_inline_executor_gives_the_bits_of_plain_python(mode: str) -> None:
    config = dataclasses.replace(CONFIG, mode=mode, local_steps=2)
    plainly = run(config)
    with dhtask.Runtime(executor="inline"):
        assert_equal(run(config), plainly)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_bits_of_plain_python(workers: int) -> None:
    local = dataclasses.replace(CONFIG, mode="local", local_steps=2)
    plainly, plainly_local = run(), run(local)
    with dhtask.Runtime(workers=workers):
        assert_equal(run(), plainly)
        assert_equal(run(local), plainly_local)


@dhtask.task(returns=1)
def process_of_the_worker(images: object) -> int:
    """Where a shard lies."""
    return os.getpid()


class Killer:
    """Kills a process once, when a number of tasks of a name have ended."""

    def __init__(self, name: str, after: int) -> None:
        self.name = name
        self.after = after
        self.victim: int | None = None
        self.killed = 0
        self.ended = 0
        self._tasks: set[int] = set()

    def observe(self, observation: Observation, /) -> None:
        match observation:
            case TaskCalled(task=task, name=name) if name == self.name:
                self._tasks.add(task)
            case TaskEnded(task=task) if task in self._tasks:
                self.ended += 1
                if self.ended == self.after and self.victim is not None:
                    os.kill(self.victim, signal.SIGKILL)
                    self.killed = self.victim


@pytest.mark.slow
@pytest.mark.parametrize("lineage_seconds", [0.0, 1000.0])
def test_a_worker_killed_in_the_middle_of_an_epoch_changes_no_figure(
    lineage_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether what is lost is made again from the state of this epoch, or from the first.
    monkeypatch.setattr(training, "_LINEAGE_SECONDS", lineage_seconds)
    plainly = run()
    # 4 steps an epoch of 3 partitions, the last of one or two: this is in the second epoch.
    killer = Killer("gradient_step", after=16)
    with dhtask.Runtime(workers=2, observers=[killer]):
        own = shards(19, 3)
        killer.victim = dhtask.wait_on(process_of_the_worker(own[0].images))
        result = train(CONFIG, own, shards(7, 2, 1), classes=CLASSES)
    assert killer.killed
    assert killer.ended > 16
    assert_equal(result, plainly)


@pytest.mark.slow
def test_an_exception_of_a_task_reaches_the_program_and_spares_the_checkpoint(
    tmp_path: Path,
) -> None:
    config = dataclasses.replace(CONFIG, epochs=1, checkpoint=tmp_path)
    with dhtask.Runtime(workers=1):
        first = run(config)
    bad = list(shards(19, 3))
    bad[1] = dataclasses.replace(bad[1], targets=bad[1].targets + 200)
    with (
        pytest.raises(ValueError, match="expected classes from 0 to 1, found 200 to 201") as raised,
        dhtask.Runtime(workers=1),
    ):
        train(dataclasses.replace(config, epochs=3, resume=True), bad, (), classes=CLASSES)
    assert any("gradient_step" in note for note in raised.value.__notes__)
    assert read_checkpoint(tmp_path / "last.checkpoint").state.equals(first.state)


@pytest.mark.slow
def test_tasks_of_several_computing_units_give_the_bits_of_plain_python() -> None:
    config = dataclasses.replace(CONFIG, computing_units=2)
    plainly = run(config)
    with dhtask.Runtime(workers=1, threads_per_worker=2):
        assert_equal(run(config), plainly)


def test_computing_units_that_no_worker_has_are_an_error_at_once() -> None:
    config = dataclasses.replace(CONFIG, computing_units=999)
    with (
        dhtask.Runtime(executor="inline"),
        pytest.raises(dhtask.errors.ConstraintError, match="999"),
    ):
        run(config)

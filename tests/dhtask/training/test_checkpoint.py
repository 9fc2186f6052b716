"""Checkpoints: whole or not at all, and going on from one is as if nothing had happened."""

from __future__ import annotations

import dataclasses
import pickle
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from dhcore.nn import State
from dhcore.optim import SGD, Adam, Cosine
from dhtask.training import (
    Checkpoint,
    CheckpointError,
    EpochRecord,
    ResumeError,
    TrainingConfig,
    TrainingResult,
    read_checkpoint,
    train,
    write_checkpoint,
)
from tests.dhtask.training.networks import CLASSES, normalised, plain, shards

ROOT = Path(__file__).parents[3]


def some_state(size: int = 50) -> State:
    generator = np.random.default_rng(0)
    arrays = [generator.normal(size=size).astype(np.float32) for _ in range(3)]
    return State(arrays[0], arrays[1][:7], {"mean": arrays[1], "square": arrays[2]}, 42)


def some_checkpoint(size: int = 50) -> Checkpoint:
    record = EpochRecord(0, 0.5, {"loss": 0.4, "dice": 0.25}, samples=9, steps=3, seconds=1.5)
    description = TrainingConfig(network="unet", optimizer=Adam(0.1)).description()
    return Checkpoint(some_state(size), (record,), 0, description, (5, 4))


def test_a_checkpoint_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = some_checkpoint()
    size = write_checkpoint(tmp_path / "new" / "last.checkpoint", written)
    read = read_checkpoint(tmp_path / "new" / "last.checkpoint")
    assert read.state.equals(written.state)
    assert dataclasses.replace(read, state=written.state) == written
    assert read.history[0].seconds == 1.5
    assert size == (tmp_path / "new" / "last.checkpoint").stat().st_size
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["last.checkpoint"]


@pytest.mark.parametrize("place", [30, 200, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, place: int) -> None:
    path = tmp_path / "last.checkpoint"
    write_checkpoint(path, some_checkpoint())
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged: its checksum does not match"):
        read_checkpoint(path)


def test_a_file_that_ends_early_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "last.checkpoint"
    write_checkpoint(path, some_checkpoint())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(path)


def test_another_file_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.checkpoint"
    path.write_text("hello")
    with pytest.raises(CheckpointError, match=r"last\.checkpoint: not a checkpoint"):
        read_checkpoint(path)


def test_a_missing_checkpoint_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none\.checkpoint: cannot read: No such file"):
        read_checkpoint(tmp_path / "none.checkpoint")


def test_the_error_is_an_os_error_and_pickles() -> None:
    error = pickle.loads(pickle.dumps(CheckpointError(Path("a"), "is full")))
    assert isinstance(error, OSError)
    assert (str(error), error.path, error.problem) == ("a: is full", Path("a"), "is full")


def test_a_full_disk_names_path_and_bytes_and_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    """The operating system refuses to let files grow beyond 8 KiB in a process of its own."""
    path = tmp_path / "last.checkpoint"
    write_checkpoint(path, some_checkpoint())
    before = path.read_bytes()
    program = f"""
        import resource, sys
        from pathlib import Path
        from tests.dhtask.training.test_checkpoint import some_checkpoint
        from dhtask.training import CheckpointError, write_checkpoint
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        try:
            write_checkpoint(Path({str(path)!r}), some_checkpoint(10_000))
        except CheckpointError as error:
            sys.stdout.write(str(error))
    """
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout.startswith(f"{path}: cannot write a checkpoint of 1")
    assert "bytes: File too large; the one before is intact" in ended.stdout
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        CheckpointError, match=r"cannot write a checkpoint of .* there was none before"
    ):
        write_checkpoint(tmp_path / "file" / "last.checkpoint", some_checkpoint())


CONFIG = TrainingConfig(
    network=normalised,
    batch_size=6,
    epochs=5,
    optimizer=Adam(0.02),
    metrics=("dice",),
    augmentation="Flip()",
)


def run(config: TrainingConfig) -> TrainingResult:
    return train(config, shards(19, 3), shards(6, 2, 1), classes=CLASSES)


@pytest.mark.parametrize("mode", ["gradient", "local"])
@pytest.mark.parametrize("stopped_after", [1, 3])
def test_a_resumed_training_equals_one_that_never_stopped(
    tmp_path: Path, mode: str, stopped_after: int
) -> None:
    config = dataclasses.replace(
        CONFIG, mode=mode, local_steps=2, optimizer=Adam(Cosine(0.1, steps=20))
    )
    whole = run(config)
    run(dataclasses.replace(config, epochs=stopped_after, checkpoint=tmp_path))
    resumed = run(dataclasses.replace(config, checkpoint=tmp_path, resume=True))
    assert resumed.resumed_from == stopped_after
    assert resumed.history == whole.history
    assert resumed.best_epoch == whole.best_epoch
    assert resumed.state.equals(whole.state)
    assert resumed.best_state.equals(whole.best_state)


def test_the_best_model_is_on_disk_even_when_later_ones_are_worse(tmp_path: Path) -> None:
    config = dataclasses.replace(
        CONFIG, optimizer=SGD(3.0), keep_best="loss", checkpoint=tmp_path, epochs=6
    )
    result = run(config)
    assert result.best_epoch < 5
    assert read_checkpoint(tmp_path / "best.checkpoint").state.equals(result.best_state)
    assert read_checkpoint(tmp_path / "last.checkpoint").state.equals(result.state)


def test_resuming_a_finished_training_gives_its_result(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, epochs=2, checkpoint=tmp_path)
    whole = run(config)
    again = run(dataclasses.replace(config, resume=True))
    assert again.history == whole.history
    assert again.state.equals(whole.state)


def test_resume_without_a_checkpoint_begins_anew(tmp_path: Path) -> None:
    result = run(dataclasses.replace(CONFIG, epochs=1, checkpoint=tmp_path / "new", resume=True))
    assert result.resumed_from is None
    assert len(result.history) == 1


def test_resuming_with_other_values_names_each_of_them(tmp_path: Path) -> None:
    run(dataclasses.replace(CONFIG, epochs=1, checkpoint=tmp_path))
    other = dataclasses.replace(CONFIG, checkpoint=tmp_path, resume=True, seed=7, batch_size=5)
    with pytest.raises(ResumeError, match="batch_size 6 there, 5 here; seed 0 there, 7 here"):
        run(other)


def test_resuming_on_other_partitions_is_an_error(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, epochs=1, checkpoint=tmp_path)
    run(config)
    with pytest.raises(
        ResumeError, match=r"sizes of the partitions \[7, 6, 6\] there, \[10, 9\] here"
    ):
        train(dataclasses.replace(config, resume=True), shards(19, 2), classes=CLASSES)


def test_a_task_that_raises_leaves_the_checkpoint_of_the_epoch_before(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, network=plain, epochs=1, checkpoint=tmp_path)
    whole = run(config)
    bad = list(shards(19, 3))
    # A target that no class has: the task of the second partition raises in its first batch.
    bad[1] = dataclasses.replace(bad[1], targets=np.full_like(bad[1].targets, 200))
    with pytest.raises(ValueError, match="expected classes from 0 to 1, found 200 to 200"):
        train(
            dataclasses.replace(config, epochs=3, resume=True),
            bad,
            shards(6, 2, 1),
            classes=CLASSES,
        )
    assert read_checkpoint(tmp_path / "last.checkpoint").state.equals(whole.state)

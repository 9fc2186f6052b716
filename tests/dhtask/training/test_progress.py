"""What a person sees: one line an epoch, plain where nothing can be redrawn."""

from __future__ import annotations

from io import StringIO

from dhtask.training import EpochLines, EpochRecord, TrainingConfig, train
from tests.dhtask.training.networks import CLASSES, plain, shards


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def record(epoch: int, seconds: float) -> EpochRecord:
    return EpochRecord(
        epoch, 0.5, {"loss": 0.25, "iou": 0.75}, samples=100, steps=5, seconds=seconds
    )


def test_a_line_has_loss_metric_speed_and_time_left() -> None:
    out = StringIO()
    EpochLines(out).epoch_ended(record(0, 2.0), 4)
    assert out.getvalue() == (
        "epoch 1/4  loss 0.5000  validation loss 0.2500  iou 0.7500  50 images/s  0:00:06 left\n"
    )


def test_the_time_left_is_told_from_all_epochs_so_far() -> None:
    out = StringIO()
    lines = EpochLines(out, unit="tiles")
    lines.epoch_ended(record(0, 1.0), 4)
    lines.epoch_ended(record(1, 3.0), 4)
    assert out.getvalue().splitlines()[1].endswith("33 tiles/s  0:00:04 left")


def test_a_log_file_has_one_line_an_epoch_and_nothing_else() -> None:
    out = StringIO()
    config = TrainingConfig(network=plain, batch_size=4, epochs=3, metrics=())
    train(config, shards(8, 2), classes=CLASSES, observer=EpochLines(out))
    assert [line[:9] for line in out.getvalue().splitlines()] == [
        "epoch 1/3",
        "epoch 2/3",
        "epoch 3/3",
    ]


def test_a_terminal_shows_the_running_epoch_and_gets_it_back() -> None:
    out = Terminal()
    lines = EpochLines(out)
    lines.epoch_ended(record(0, 2.0), 4)
    lines.epoch_began(1, 4, 7)
    lines.training_ended()
    shown = out.getvalue()
    assert "epoch 2/4  7 steps  0:00:00 of about 0:00:02" in shown
    # The cursor that was hidden while the line was redrawn is there again.
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")

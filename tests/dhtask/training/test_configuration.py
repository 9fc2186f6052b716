"""The configuration refuses what cannot be trained with, and knows what decides the numbers."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

from dhcore.losses import Dice, SoftmaxCrossEntropy
from dhcore.optim import SGD, Adam, Cosine
from dhtask.training import TrainingConfig, TrainingConfigError
from tests.dhtask.training.networks import plain

CONFIG = TrainingConfig(network="unet")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, found 0"),
        ({"epochs": -1}, "epochs must be at least 1, found -1"),
        ({"local_steps": 0}, "local_steps must be at least 1, found 0"),
        ({"computing_units": 0}, "computing_units must be at least 1, found 0"),
        ({"mode": "async"}, r"mode must be one of \('gradient', 'local'\), found 'async'"),
        ({"keep_best": "auc"}, "keep_best must be 'loss' or one of the metrics .*found 'auc'"),
        ({"resume": True}, "resume needs the folder of the checkpoint"),
    ],
)
def test_values_that_make_no_sense_are_errors(changes: dict[str, object], words: str) -> None:
    with pytest.raises(TrainingConfigError, match=words):
        dataclasses.replace(CONFIG, **changes)  # type: ignore[arg-type]  # the changes are fields


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "lenet"},
        {"network": plain},
        {"network_options": {"width": 8}},
        {"batch_size": 3},
        {"optimizer": SGD(0.1)},
        {"optimizer": Adam(Cosine(0.001, steps=10))},
        {"loss": SoftmaxCrossEntropy() + 0.5 * Dice()},
        {"metrics": ("dice",)},
        {"mode": "local"},
        {"local_steps": 3},
        {"seed": 1},
        {"augmentation": "Flip()"},
        {"computing_units": 2},
    ],
)
def test_whatever_decides_the_numbers_changes_the_fingerprint(changes: dict[str, object]) -> None:
    other = dataclasses.replace(CONFIG, **changes)  # type: ignore[arg-type]  # the changes are fields
    assert other.fingerprint() != CONFIG.fingerprint()


def test_what_does_not_decide_the_numbers_leaves_the_fingerprint(tmp_path: Path) -> None:
    other = dataclasses.replace(
        CONFIG, epochs=99, checkpoint=tmp_path, resume=True, keep_best="loss"
    )
    assert other.fingerprint() == CONFIG.fingerprint()


def test_the_fingerprint_does_not_depend_on_the_order_of_options() -> None:
    one = dataclasses.replace(CONFIG, network_options={"width": 8, "levels": 3})
    other = dataclasses.replace(CONFIG, network_options={"levels": 3, "width": 8})
    assert one.fingerprint() == other.fingerprint()


def test_the_first_metric_judges_unless_another_is_named() -> None:
    assert CONFIG.judge == "dice"
    assert dataclasses.replace(CONFIG, keep_best="loss").judge == "loss"
    assert dataclasses.replace(CONFIG, metrics=()).judge == "loss"


def test_a_configuration_travels() -> None:
    config = dataclasses.replace(CONFIG, network=plain, optimizer=Adam(Cosine(0.1, steps=5)))
    assert pickle.loads(pickle.dumps(config)) == config

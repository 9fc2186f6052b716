"""The main job: from files to figures, on any executor."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dhcore import image
from dhtask.demo import JobOptions, JobOutcome, print_job, run_job, write_job_report
from dhtask.errors import ConfigurationError
from dhtask.pipeline import Recipe
from tests.dhtask.demo.datasets import write_classes, write_discs


def options(folder: Path, **changes: object) -> JobOptions:
    small = JobOptions(
        dataset=folder / "set.yml",
        out=folder / "out",
        network_options={"width": 4, "levels": 2},
        epochs=2,
        batch_size=2,
        executor="inline",
        class_names=("ground", "disc"),
    )
    if "dataset" not in changes:
        write_discs(folder)
    return replace(small, **changes)  # type: ignore[arg-type]  # the changes are fields


def test_a_segmentation_is_prepared_trained_and_evaluated(tmp_path: Path) -> None:
    outcome = run_job(options(tmp_path))
    assert dict(outcome.counts) == {"training": 4, "validation": 1, "test": 1}
    assert outcome.evaluated_split == "test"
    assert len(outcome.training.history) == 2
    assert set(outcome.evaluation.figures) == {"loss", "dice", "iou"}
    assert outcome.indicators.toppi_s is not None
    assert outcome.indicators.totm_s is not None
    assert (tmp_path / "out" / "checkpoints" / "last.checkpoint").exists()


def test_the_job_learns_to_find_discs(tmp_path: Path) -> None:
    outcome = run_job(options(tmp_path, epochs=40, learning_rate=0.01))
    assert outcome.evaluation.figures["dice"] > 0.9


def test_tiles_multiply_the_samples_and_the_picture_is_stitched(tmp_path: Path) -> None:
    recipe = Recipe(tile=(16, 16))
    outcome = run_job(options(tmp_path, recipe=recipe, epochs=12, learning_rate=0.02, batch_size=8))
    assert dict(outcome.counts) == {"training": 16, "validation": 4, "test": 4}
    assert outcome.whole is not None
    assert outcome.whole.prediction.shape == outcome.whole.truth.shape == (32, 32)
    assert np.mean(outcome.whole.prediction == outcome.whole.truth) > 0.9


def test_a_classification_counts_its_own_classes(tmp_path: Path) -> None:
    changes = {"network": "lenet", "network_options": {}, "dataset": write_classes(tmp_path)}
    outcome = run_job(
        options(
            tmp_path, **{**changes, "recipe": Recipe("gray"), "epochs": 25, "learning_rate": 0.01}
        )
    )
    assert outcome.class_names == ("dark", "bright")
    assert outcome.evaluation.figures["accuracy"] == 1.0
    assert outcome.whole is None


def test_a_classification_has_no_dice_loss(tmp_path: Path) -> None:
    changes = {"network": "lenet", "network_options": {}, "dataset": write_classes(tmp_path)}
    with pytest.raises(ConfigurationError, match="trained with cross_entropy, not dice"):
        run_job(options(tmp_path, **{**changes, "recipe": Recipe("gray"), "loss": "dice"}))


def test_without_a_test_split_the_validation_samples_are_measured(tmp_path: Path) -> None:
    path = write_discs(tmp_path, split={"training": [0, 1, 2, 3], "validation": [4, 5]})
    outcome = run_job(options(tmp_path, dataset=path))
    assert outcome.evaluated_split == "validation"


def test_names_that_do_not_go_with_the_classes_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="a name for each of 2 classes"):
        run_job(options(tmp_path, class_names=("one",)))


def test_a_resumed_job_goes_on(tmp_path: Path) -> None:
    # The schedule spans all epochs, so both runs ask for the same number.
    first = run_job(options(tmp_path))
    again = run_job(options(tmp_path, resume=True))
    assert again.training.resumed_from == 2
    assert again.training.state.equals(first.training.state)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> JobOutcome:
    folder = tmp_path_factory.mktemp("measured")
    changes = {"executor": "dask", "workers": 2, "measure_scaling": True, "epochs": 3}
    return run_job(options(folder, design_seconds=60.0, **changes))


@pytest.mark.slow
def test_one_worker_and_two_give_the_same_figures(measured: JobOutcome) -> None:
    assert measured.same_figures is True
    scaling = measured.indicators.scaling
    assert scaling is not None
    assert scaling.workers == 2
    assert scaling.speedup > 0
    assert measured.indicators.toppi_s is not None
    assert measured.indicators.toppi_s > 60


@pytest.mark.slow
def test_the_report_tells_the_figures_of_the_job(measured: JobOutcome) -> None:
    paths = write_job_report(
        measured, title="Discs", command="dhtask train set.yml", remarks=["Mind the gap."]
    )
    told = json.loads(paths.json.read_text())
    assert told["metrics"]["dice"] == pytest.approx(measured.evaluation.figures["dice"])
    page = paths.html.read_text()
    for words in (
        "Discs",
        "Mind the gap.",
        "dhtask train set.yml",
        "disc",
        "gradient_step",
        "exactly the figures",
    ):
        assert words in page


@pytest.mark.slow
def test_the_printed_table_ends_with_the_path_of_the_report(measured: JobOutcome) -> None:
    paths = write_job_report(measured, title="Discs", command="dhtask train set.yml")
    printed = StringIO()
    print_job(measured, paths, printed)
    lines = printed.getvalue().strip().splitlines()
    assert lines[-1].endswith("report.html")
    assert any(line.startswith("disc") for line in lines)
    assert any(line.startswith("speedup") and "the same figures" in line for line in lines)


def test_a_picture_of_another_size_than_the_tiles_is_predicted_whole(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 56, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "big.png")
    image.write(image.Image(np.zeros((40, 56), np.uint8), "yx"), tmp_path / "big_mask.png")
    changes = {"picture": tmp_path / "big.png", "mask": tmp_path / "big_mask.png"}
    outcome = run_job(options(tmp_path, **changes))
    assert outcome.whole is not None
    assert outcome.whole.prediction.shape == (40, 56)

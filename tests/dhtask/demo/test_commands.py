"""``dhtask train`` and ``dhtask demo``: what they print, and what they refuse in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dhtask.cli import main
from tests.dhtask.demo.datasets import SPLIT, write_discs

SMALL = [
    "--net-option",
    "width=4",
    "--net-option",
    "levels=2",
    "--executor",
    "inline",
    "--workers",
    "1",
]


def train(dataset: Path, *more: str) -> int:
    out = dataset.parent / "out"
    return main(["train", str(dataset), *SMALL, "--epochs", "1", "--out", str(out), *more])


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("dhtask train: error: ")
    return lines[0]


def test_train_prints_an_epoch_a_line_then_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(write_discs(tmp_path), "--epochs", "2") == 0
    printed = capsys.readouterr().out
    epochs = re.findall(
        r"^epoch (\d)/2  loss [\d.]+  validation loss [\d.]+  dice ", printed, re.MULTILINE
    )
    assert epochs == ["1", "2"]
    assert printed.strip().endswith("report.html")
    assert (tmp_path / "out" / "report.html").exists()


def test_train_resumes_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = write_discs(tmp_path)
    assert train(dataset, "--epochs", "2") == 0
    capsys.readouterr()
    assert train(dataset, "--epochs", "2", "--resume") == 0
    assert "epoch 1/2" not in capsys.readouterr().out


def test_train_takes_tiles_sizes_and_augmentation(tmp_path: Path) -> None:
    (tmp_path / "flip.txt").write_text("Flip(axis='x')\n")
    dataset = write_discs(tmp_path)
    more = [
        "--tile",
        "16x16",
        "--augment",
        str(tmp_path / "flip.txt"),
        "--partitions",
        "2",
        "--local-steps",
        "2",
    ]
    assert train(dataset, *more) == 0
    other = ["--size", "16", "--gray", "--seed", "3", "--loss", "both"]
    assert train(dataset, *other, "--out", str(tmp_path / "other")) == 0


def test_a_finished_training_is_not_overwritten_by_forgetting_to_resume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_discs(tmp_path)
    assert train(dataset) == 0
    kept = (tmp_path / "out" / "checkpoints" / "last.checkpoint").read_bytes()
    capsys.readouterr()
    assert train(dataset) == 2
    assert "--resume" in refusal(capsys)
    assert (tmp_path / "out" / "checkpoints" / "last.checkpoint").read_bytes() == kept


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert train(write_discs(tmp_path), "--out", str(tmp_path / "file" / "out")) == 2
    assert "cannot make the folder of the results" in refusal(capsys)


def test_the_name_of_the_network_is_looked_up_before_the_images_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_discs(tmp_path)
    for picture in tmp_path.rglob("*.png"):
        picture.write_bytes(b"damaged")
    assert train(dataset, "--net", "unett") == 2
    assert "found 'unett'" in refusal(capsys)


def test_a_dataset_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path / "none.yml") == 2
    assert "none.yml: no such file" in refusal(capsys)


def test_an_unknown_network_is_refused_with_the_names_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(
            [
                "train",
                str(write_discs(tmp_path)),
                "--net",
                "u-net",
                *SMALL[4:],
                "--out",
                str(tmp_path),
            ]
        )
        == 2
    )
    assert re.search(r"'unet'.*found 'u-net'", refusal(capsys))


def test_an_unknown_option_of_a_network_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(write_discs(tmp_path), "--net-option", "depth=3") == 2
    assert "depth" in refusal(capsys)


@pytest.mark.parametrize("split", ["training", "validation", "test"])
def test_an_empty_split_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], split: str
) -> None:
    assert train(write_discs(tmp_path, split={**SPLIT, split: []})) == 2
    assert f"split '{split}' has no images" in refusal(capsys)


def test_a_dataset_without_a_training_split_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(write_discs(tmp_path, split={"test": [0]})) == 2
    assert "there is no split 'training'" in refusal(capsys)


def test_a_mask_of_another_size_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_discs(tmp_path)
    Image.fromarray(np.zeros((16, 32), np.uint8)).save(tmp_path / "1_mask.png")
    assert train(dataset) == 2
    assert re.search(r"image 1: .*1\.png is 32 x 32, .*1_mask\.png is 16 x 32", refusal(capsys))


def test_more_partitions_than_images_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(write_discs(tmp_path), "--partitions", "5") == 2
    assert "5 partitions need at least 5 samples, found 4" in refusal(capsys)


def test_a_batch_smaller_than_the_partitions_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(write_discs(tmp_path), "--partitions", "4", "--batch-size", "3") == 2
    assert "batch_size 3 is smaller than the number of partitions 4" in refusal(capsys)


def test_a_corrupt_file_stops_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_discs(tmp_path)
    (tmp_path / "2.png").write_bytes((tmp_path / "2.png").read_bytes()[:200])
    assert train(dataset) == 2
    assert re.search(r"set\.yml:\d+: image 2: .*2\.png", refusal(capsys))


def test_a_corrupt_file_can_be_skipped_and_is_listed_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_discs(tmp_path)
    (tmp_path / "2.png").write_bytes((tmp_path / "2.png").read_bytes()[:200])
    assert train(dataset, "--bad-files", "skip") == 0
    assert "left out    1 files" in capsys.readouterr().out
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert "2.png" in json.dumps(told["problems"])


def test_arguments_that_make_no_sense_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_discs(tmp_path)
    for more, words in (
        (["--size", "0x4"], "expected HxW such as 64x64, found '0x4'"),
        (["--size", "8x8", "--tile", "8x8"], "expected a size or a tile"),
        (["--net-option", "width"], "--net-option must be NAME=VALUE, found 'width'"),
        (["--workers", "0"], "--workers must be at least 1, found 0"),
        (["--epochs", "0"], "epochs must be at least 1, found 0"),
        (["--lr", "-1"], "learning rate must be above 0, found -1.0"),
        (["--classes", "1"], "classes must be at least 2, found 1"),
        (["--augment", str(tmp_path / "none.txt")], "No such file"),
    ):
        assert train(dataset, *more) == 2
        assert words in refusal(capsys)


def test_a_checkpoint_that_cannot_be_written_is_a_failure_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoints").write_text("in the way")
    assert train(write_discs(tmp_path)) == 1
    assert re.search(r"checkpoint: cannot write a checkpoint of \d+ bytes", refusal(capsys))


def test_a_network_that_does_not_go_with_the_labels_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--net", "lenet", *SMALL[4:], "--out", str(tmp_path / "out")]
    assert main(["train", str(write_discs(tmp_path)), *more]) == 2
    assert "lenet gives one answer per image, the dataset has masks" in refusal(capsys)


@pytest.mark.slow
def test_the_demonstration_trains_on_tissue_and_says_whose_truth_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    arguments = ["--out", str(out), "--epochs", "2", "--executor", "inline", "--workers", "1"]
    assert main(["demo", *arguments, "--design-seconds", "30"]) == 0
    printed = capsys.readouterr().out
    assert "not by a pathologist" in printed
    assert re.search(r"^DAB +0\.\d{3} +0\.\d{3}$", printed, re.MULTILINE)
    assert re.search(
        r"^validation +0\.\d{3} dice, the best of 2 epochs; seed 0$", printed, re.MULTILINE
    )
    assert re.search(r"^toppi +3\d\.\d s", printed, re.MULTILINE)
    page = (out / "report.html").read_text()
    assert "not by a pathologist" in page
    assert "only the columns 384 to 511, at the right, are held out" in page
    assert (out / "dataset" / "tissue.yml").exists()


@pytest.mark.slow
def test_the_demonstration_takes_a_dataset_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_discs(tmp_path)
    arguments = ["--data", str(data), "--epochs", "1", "--executor", "inline", "--workers", "1"]
    assert main(["demo", *arguments, "--out", str(tmp_path / "demo")]) == 0
    assert "pathologist" not in capsys.readouterr().out

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dhcore.cli import main
from dhcore.data import load_dataset
from dhcore.image import Image, write


@pytest.fixture
def table(tmp_path: Path) -> Path:
    lines = ["image,mask,patient"]
    for i in range(12):
        write(Image(np.full((6, 8, 3), i, np.uint8), "yxc"), tmp_path / f"{i}.png")
        write(Image(np.full((6, 8), i, np.uint8), "yx"), tmp_path / f"{i}_mask.png")
        lines.append(f"{i}.png,{i}_mask.png,p{i // 2}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "labels.csv"


def _make(table: Path) -> list[str]:
    out = str(table.parent / "set.yml")
    words = ["dataset", "from-csv", str(table), "--mask", "mask", "--group", "patient"]
    return [
        *words,
        "--mask-threshold",
        "127",
        "--split",
        "0.5",
        "0.25",
        "0.25",
        "--seed",
        "3",
        "--out",
        out,
    ]


def test_a_table_becomes_a_dataset_that_checks_clean(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_make(table)) == 0
    assert "12 samples, segmentation; training 6, validation" in capsys.readouterr().out
    data = load_dataset(table.parent / "set.yml")
    assert data.mask_threshold == 127
    assert main(["dataset", "check", str(table.parent / "set.yml")]) == 0
    assert capsys.readouterr().out.endswith("no problems\n")


def test_show_counts_parts_and_sizes(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(_make(table))
    assert main(["dataset", "show", str(table.parent / "set.yml")]) == 0
    shown = capsys.readouterr().out
    assert "6 groups" in shown
    assert "training" in shown
    assert "12  y 6 x 8 c 3  uint8 PNG" in shown


def test_check_lists_problems_and_exits_with_one(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(_make(table))
    (table.parent / "3.png").unlink()
    (table.parent / "5_mask.png").write_bytes(b"")
    capsys.readouterr()
    assert main(["dataset", "check", str(table.parent / "set.yml")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "image 3" in lines[0]
    assert "image 5" in lines[1]
    assert lines[2].endswith("2 problems")


def test_check_of_a_file_with_mistakes_exits_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set.yml").write_text("images:\n- {location: a.png, label: 1}\n")
    assert main(["dataset", "check", str(tmp_path / "set.yml")]) == 1
    assert "set.yml:2: image 0" in capsys.readouterr().out


def test_folders_become_a_dataset(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/2.png", "b/3.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        write(Image(np.zeros((4, 4), np.uint8), "yx"), tmp_path / "in" / name)
    assert (
        main(["dataset", "from-folders", str(tmp_path / "in"), "--out", str(tmp_path / "set.yml")])
        == 0
    )
    assert load_dataset(tmp_path / "set.yml").class_counts() == {"a": 1, "b": 2}


def test_image_info_tells_what_a_volume_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    affine = np.diag([-0.5, -0.5, 2.0, 1.0])
    write(
        Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), "zyx", affine=affine),
        tmp_path / "a.nii.gz",
    )
    assert main(["image", "info", str(tmp_path / "a.nii.gz")]) == 0
    shown = capsys.readouterr().out
    for text in ("NIfTI", "z 2  y 3  x 4", "int16", "x 0.5 mm", "LPS", "0 to 23"):
        assert text in shown


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dataset"],
        ["bogus"],
        ["dataset", "check"],
        ["dataset", "check", "missing.yml"],
        ["dataset", "show", "missing.yml"],
        ["dataset", "from-csv", "missing.csv", "--out", "x.yml"],
        ["dataset", "from-folders", "missing", "--out", "x.yml"],
        ["image", "info", "missing.png"],
    ],
)
def test_wrong_input_gives_one_line_and_code_two(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    caught = capsys.readouterr()
    assert caught.out == ""
    assert len(caught.err.splitlines()) == 1
    assert caught.err.startswith("dhcore")


@pytest.mark.parametrize("shares", [["0.5"], ["0.5", "0.6"], ["0.2"] * 5])
def test_shares_that_cannot_be_are_refused(
    shares: list[str], table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "dataset",
        "from-csv",
        str(table),
        "--out",
        str(table.parent / "x.yml"),
        "--split",
        *shares,
    ]
    assert main(words) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (table.parent / "x.yml").exists()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dataset"],
        ["image"],
        ["dataset", "from-csv"],
        ["dataset", "from-folders"],
        ["dataset", "check"],
        ["dataset", "show"],
        ["image", "info"],
    ],
)
def test_help_fits_a_screen_and_ends_with_an_example(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert len(lines) <= 36
    assert lines[-2] == "example:"
    assert lines[-1].startswith("  dhcore ")

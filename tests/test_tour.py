"""The README told as a test: what it shows is run as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dhcore import image

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PROGRAM, LIBRARY = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ").partition("  #")[0].strip()
    for line in README.splitlines()
    if line.startswith("$ ")
]
#: What the console scripts of the two packages call.
ENTRIES = {
    "python": [sys.executable],
    "dhtask": [sys.executable, "-c", "import sys; from dhtask.cli import main; sys.exit(main())"],
    "dhcore": [sys.executable, "-c", "import sys; from dhcore.cli import main; sys.exit(main())"],
}


def run(command: str, folder: Path) -> str:
    """Output of a command of the README, in a folder of its own."""
    name, *arguments = shlex.split(command)
    done = subprocess.run(
        [*ENTRIES[name], *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(beginning: str) -> str:
    """The one command of the README that begins so."""
    (found,) = [line for line in COMMANDS if line.startswith(beginning)]
    return found


def write_patients(folder: Path) -> None:
    """Twenty pictures of bright discs, two of each patient, their masks, and a table of them."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:32, :32]
    lines = ["image,mask,patient"]
    for index in range(20):
        centre = generator.integers(8, 24, 2)
        disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < 36
        noise = generator.integers(0, 60, (32, 32, 3))
        pixels = (noise + 150 * disc[..., None]).astype(np.uint8)
        image.write(image.Image(pixels, "yxc"), folder / f"{index}.png")
        image.write(image.Image(disc.astype(np.uint8) * 255, "yx"), folder / f"{index}_mask.png")
        lines.append(f"{index}.png,{index}_mask.png,{index // 2}")
    (folder / "labels.csv").write_text("\n".join(lines), encoding="utf-8")


def test_the_program_is_fifteen_lines() -> None:
    assert len(PROGRAM.strip().splitlines()) <= 15


@pytest.mark.slow
def test_the_program_prints_the_same_alone_and_in_parallel(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM, encoding="utf-8")
    printed = README.partition("$ python app.py")[2].splitlines()[1]
    assert run(command("python app.py"), tmp_path).strip() == printed
    assert run(command("dhtask run app.py"), tmp_path).strip() == printed


@pytest.mark.slow
def test_a_table_of_images_becomes_a_trained_network(tmp_path: Path) -> None:
    write_patients(tmp_path)
    run(command("dhcore dataset from-csv"), tmp_path)
    assert "no problems" in run(command("dhcore dataset check"), tmp_path)
    train = command("dhtask train").replace("256x256", "32x32").replace("--epochs 30", "--epochs 2")
    small = " --net-option width=8 --net-option levels=2 --lr 0.01 --workers 2"
    assert "report" in run(train + small, tmp_path)
    assert {path.name for path in (tmp_path / "results").iterdir()} >= {
        "checkpoints",
        "report.html",
        "report.json",
    }


@pytest.mark.slow
def test_the_library_trains_by_itself() -> None:
    generator = np.random.default_rng(0)
    names = {
        "images": generator.random((4, 3, 64, 64), np.float32),
        "masks": generator.integers(0, 2, (4, 64, 64)),
        "more_images": generator.random((2, 3, 64, 64), np.float32),
        "more_masks": generator.integers(0, 2, (2, 64, 64)),
    }
    smaller = (
        LIBRARY.replace("128", "64").replace("width=32", "width=4").replace("epochs=10", "epochs=2")
    )
    exec(compile(smaller, "README.md", "exec"), names)  # the reader would type it
    assert len(names["history"].epochs) == 2  # type: ignore[attr-defined]


@pytest.mark.slow
def test_training_from_python_is_as_the_page_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_patients(tmp_path)
    run(command("dhcore dataset from-csv"), tmp_path)
    page = (Path(__file__).parents[1] / "docs" / "training.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    smaller = shown.replace("(256, 256)", "(32, 32)").replace("epochs=10", "epochs=1")
    small = smaller.replace('"unet"', '"unet", network_options={"width": 4, "levels": 2}')
    (tmp_path / "train.py").write_text(small, encoding="utf-8")
    assert "EpochRecord" in run("python train.py", tmp_path)
    assert any((tmp_path / "results").iterdir())

"""The examples run as their first lines say, and print what they should."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
FILES = sorted(EXAMPLES.glob("[0-9]*.py"))


def output_of(*command: str, folder: Path) -> str:
    ended = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_there_are_examples() -> None:
    assert [path.name[:2] for path in FILES] == ["01", "02", "03", "04"]


def test_the_first_example_is_short_and_prints_the_sum(tmp_path: Path) -> None:
    program = EXAMPLES / "01_hello_task.py"
    assert len(program.read_text().splitlines()) <= 18
    assert output_of(str(program), folder=tmp_path) == "285\n"


def test_the_second_example_reads_each_version_of_a_file(tmp_path: Path) -> None:
    printed = output_of(str(EXAMPLES / "02_files_and_collections.py"), folder=tmp_path)
    assert printed == "A TASK READS WHAT ANOTHER WROTE\na 4, is 4, what 3, task 2\n"


@pytest.mark.slow
def test_the_third_example_finds_the_discs(tmp_path: Path) -> None:
    printed = output_of(str(EXAMPLES / "03_train_unet.py"), folder=tmp_path)
    assert printed.count("epoch ") == 6
    assert float(printed.split()[-1]) > 0.8


@pytest.mark.slow
def test_the_fourth_example_leaves_out_the_damaged_file(tmp_path: Path) -> None:
    printed = output_of(str(EXAMPLES / "04_prepare_dataset.py"), folder=tmp_path)
    assert printed.startswith("536 tiles of shape (3, 32, 32) in 4 shards\nleft out: image 5, ")


@pytest.mark.slow
@pytest.mark.parametrize("program", FILES, ids=lambda path: path.name)
def test_an_example_prints_the_same_on_workers(program: Path, tmp_path: Path) -> None:
    alone = output_of(str(program), folder=tmp_path)
    main = "import sys; from dhtask.cli import main; sys.exit(main(sys.argv[1:]))"
    options = ["run", "--workers", "2", "--no-progress"]
    parallel = output_of("-c", main, *options, str(program), folder=tmp_path)
    assert timeless(parallel) == timeless(alone)


def timeless(printed: str) -> list[str]:
    """The lines without speed and time left."""
    return [
        line.partition(" images/s")[0].rpartition("  ")[0] or line for line in printed.splitlines()
    ]

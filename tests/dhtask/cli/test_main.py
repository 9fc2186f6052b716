"""The command line as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhtask._version import VERSION
from dhtask.cli import COMMANDS, main

APP = "print('ran')\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def test_the_help_fits_a_screen_and_ends_with_an_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in (["--help"], ["run", "--help"]):
        assert main(arguments) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) <= 30
        assert max(map(len, lines)) <= 90
        assert lines[-1].startswith("example: dhtask run ")


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    text = capsys.readouterr().out
    assert list(COMMANDS) == ["run", "train", "demo"]
    assert all(f"{name} " in text for name in COMMANDS)


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"dhtask {VERSION}\n"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "COMMAND"),
        (["fly"], "'fly'"),
        (["run"], "dhtask run app.py"),
        (["run", "nothing.py"], "'nothing.py'"),
        (["run", "-m", "nothing.at_all"], "'nothing.at_all'"),
        (["run", "--workers", "0", "app.py"], "--workers must be at least 1, found 0"),
        (["run", "--workers", "-3", "app.py"], "found -3"),
        (["run", "--workers", "two", "app.py"], "'two'"),
        (["run", "--wor", "2", "app.py"], "--wor"),
        (["run", "--executor", "magic", "app.py"], "'magic'"),
        (["run", "--graph", "graph.bmp", "app.py"], "'graph.bmp'"),
        (["run", "--graph", "no/graph.svg", "app.py"], "no folder 'no'"),
        (["run", "--trace", "no/trace.json", "app.py"], "no folder 'no'"),
        (["run", "--trace", ".", "app.py"], "--trace must name a file"),
        (["run", "--trace", "a.json", "--graph", "a.json", "app.py"], "both write 'a.json'"),
        (["run", "--cluster", "tcp://a:1", "--workers", "2", "app.py"], "leave out --workers 2"),
        (["run", "--cluster", "tcp://a:1", "--executor", "inline", "app.py"], "--executor inline"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_anything_runs(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("dhtask")
    assert words in said.err
    assert sorted(path.name for path in folder.iterdir()) == ["app.py"]

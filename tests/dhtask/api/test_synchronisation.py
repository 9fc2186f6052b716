"""Without a runtime, synchronisation is what plain Python would do."""

from __future__ import annotations

from pathlib import Path

import pytest

import dhtask


def test_wait_on_gives_its_arguments() -> None:
    values = [1]
    assert dhtask.wait_on(values) is values
    assert dhtask.wait_on(1, 2) == [1, 2]
    assert dhtask.wait_on() == []


def test_wait_on_file_gives_its_paths(tmp_path: Path) -> None:
    assert dhtask.wait_on_file(tmp_path) == tmp_path
    assert dhtask.wait_on_file("a", "b") == ["a", "b"]


def test_open_file_is_open(tmp_path: Path) -> None:
    with dhtask.open_file(tmp_path / "x", "w", encoding="utf-8") as file:
        file.write("é")
    assert (tmp_path / "x").read_text(encoding="utf-8") == "é"
    with pytest.raises(FileNotFoundError):
        dhtask.open_file(tmp_path / "y")


def test_delete_removes_files_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    values = [1]
    dhtask.delete(path, values, str(tmp_path / "never"))
    assert not path.exists()
    assert values == [1]


def test_groups_and_barriers_do_nothing() -> None:
    with dhtask.TaskGroup("g") as group:
        assert group.name == "g"
    dhtask.barrier()
    dhtask.barrier_group("g")
    dhtask.cancel_group("g")
    dhtask.stop()

"""A program run as __main__."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dhtask.cli.program import Program, exit_code
from dhtask.errors import ConfigurationError

#: What a program can see of how it was started.
MIRROR = """\
import sys, os, json
print(json.dumps([
    __name__, sys.argv, sys.path[0], globals().get("__file__"), globals().get("__package__"),
    __spec__ and __spec__.name, sys.modules["__main__"].__dict__ is globals(),
]))
"""


def run(program: Program) -> int:
    with program.installed() as module:
        return program.execute(program.load(module), module)


def as_python_does(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_script_sees_what_python_would_show_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "app.py").write_text(MIRROR)
    run(Program("sub/app.py", ("--flag", "x y"), is_module=False))
    assert capsys.readouterr().out == as_python_does(folder, "sub/app.py", "--flag", "x y")


@pytest.mark.parametrize("name", ["lonely_module", "lonely_package", "lonely_package.inner"])
def test_a_module_sees_what_python_would_show_it(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (folder / "lonely_package").mkdir()
    for file in ("lonely_module.py", "lonely_package/__main__.py", "lonely_package/inner.py"):
        (folder / file).write_text(MIRROR)
    (folder / "lonely_package" / "__init__.py").touch()
    try:
        run(Program(name, ("1",), is_module=True))
    finally:
        for loaded in [key for key in sys.modules if key.startswith("lonely")]:
            del sys.modules[loaded]
    assert capsys.readouterr().out == as_python_does(folder, "-m", name, "1")


def test_a_folder_and_an_archive_run_their_main_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "app").mkdir()
    (folder / "app" / "__main__.py").write_text("import beside; print(beside.WORD)")
    (folder / "app" / "beside.py").write_text("WORD = 'folder'")
    with zipfile.ZipFile(folder / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", "print(__name__, 'archive')")
    run(Program("app", (), is_module=False))
    run(Program("app.pyz", (), is_module=False))
    sys.modules.pop("beside")
    assert capsys.readouterr().out == "folder\n__main__ archive\n"


def test_everything_is_put_back(folder: Path) -> None:
    (folder / "app.py").write_text("import sys; sys.path.append('x'); sys.argv.append('y')")
    before = list(sys.argv), list(sys.path), sys.modules["__main__"]
    run(Program("app.py", (), is_module=False))
    assert (sys.argv, sys.path, sys.modules["__main__"]) == before


@pytest.mark.parametrize(
    "statement, code, message",
    [
        ("pass", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(7)", 7, ""),
        ("raise SystemExit('no more')", 1, "no more\n"),
        ("raise SystemExit(True)", 1, ""),
    ],
)
def test_the_exit_code_is_the_programs(
    folder: Path, capsys: pytest.CaptureFixture[str], statement: str, code: int, message: str
) -> None:
    (folder / "app.py").write_text(statement)
    assert run(Program("app.py", (), is_module=False)) == code
    assert capsys.readouterr().err == message


def test_future_statements_of_ours_do_not_change_the_program(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "app.py").write_text("def f(x: 1 + 1): pass\nprint(f.__annotations__)")
    run(Program("app.py", (), is_module=False))
    assert capsys.readouterr().out == "{'x': 2}\n"


@pytest.mark.parametrize(
    "program",
    [
        Program("nothing_here", (), is_module=True),
        Program("nothing.here", (), is_module=True),
        Program("xml", (), is_module=True),
        Program("empty", (), is_module=False),
    ],
    ids=["module", "submodule", "package without main", "folder without main"],
)
def test_what_cannot_be_run_is_refused(folder: Path, program: Program) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(ConfigurationError, match=program.target), program.installed() as module:
        program.load(module)


def test_a_missing_file_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no file 'app\.py'"):
        Program("app.py", (), is_module=False).check()


def test_exit_codes_keep_their_number() -> None:
    assert [exit_code(SystemExit(code)) for code in (None, 0, 3, 255)] == [0, 0, 3, 255]

"""dhtask run, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import psutil
import pytest

from dhtask.observe import RunRecord

DHTASK = str(Path(sys.executable).parent / "dhtask")

APP = """\
import dataclasses, sys
import dhtask
from beside import scale

@dataclasses.dataclass
class Box:
    value: int

@dhtask.task
def make(value: int) -> Box:
    return Box(scale(value))

@dhtask.task
def add(one: Box, other: Box) -> Box:
    return Box(one.value + other.value)

boxes = [make(value) for value in range(int(sys.argv[1]))]
while len(boxes) > 1:
    boxes.append(add(boxes.pop(0), boxes.pop(0)))
total = dhtask.wait_on(boxes[0])
assert type(total) is Box
print(total.value)
"""

FAIL = """\
import dhtask

@dhtask.task
def load(name: str) -> str:
    raise FileNotFoundError(f"no image {name}")

print("before")
dhtask.wait_on(load("x.png"))
print("after")
"""

WAIT = """\
import time
import dhtask

@dhtask.task
def forever() -> int:
    time.sleep(600)
    return 1

future = forever()
print("waiting", flush=True)
dhtask.wait_on(future)
"""

EXECUTORS = ["inline", pytest.param("dask", marks=pytest.mark.slow)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("def scale(value): return 10 * value\n")
    for name, text in (("app.py", APP), ("fail.py", FAIL), ("wait.py", WAIT)):
        (tmp_path / name).write_text(text)
    return tmp_path


def dhtask_run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [DHTASK, "run", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_program_gives_what_plain_python_gives(folder: Path, executor: str) -> None:
    plain = subprocess.run(
        [sys.executable, "app.py", "8"], cwd=folder, capture_output=True, text=True, check=True
    )
    done = dhtask_run(folder, "--executor", executor, "--workers", "2", "app.py", "8")
    assert (done.returncode, done.stdout, done.stderr) == (0, plain.stdout, "")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_failing_task_ends_the_program_with_its_own_exception(
    folder: Path, executor: str
) -> None:
    done = dhtask_run(folder, "--executor", executor, "--workers", "1", "fail.py")
    assert (done.returncode, done.stdout) == (1, "before\n")
    assert "FileNotFoundError: no image x.png" in done.stderr
    assert f'File "{folder}/fail.py", line 8, in <module>' in done.stderr
    head = done.stderr.split("FileNotFoundError")[0]
    assert "dhtask/cli" not in head
    assert "dhtask/_" not in head


def test_a_traceback_is_the_one_of_python(folder: Path) -> None:
    (folder / "broken.py").write_text("def f():\n    return 1 / 0\n\nf()\n")
    plain = subprocess.run(
        [sys.executable, "broken.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    done = dhtask_run(folder, "--executor", "inline", "broken.py")
    assert done.returncode == plain.returncode == 1
    assert done.stderr == plain.stderr


def test_a_program_that_is_not_python_is_shown_where(folder: Path) -> None:
    (folder / "broken.py").write_text("def f(:\n")
    done = dhtask_run(folder, "--executor", "inline", "broken.py")
    assert done.returncode == 1
    assert "SyntaxError" in done.stderr
    assert "dhtask" not in done.stderr


def test_the_exit_code_of_the_program_is_ours(folder: Path) -> None:
    (folder / "leave.py").write_text("import sys; sys.exit(int(sys.argv[1]))")
    assert dhtask_run(folder, "--executor", "inline", "leave.py", "5").returncode == 5


def test_arguments_after_the_program_are_its_own(folder: Path) -> None:
    (folder / "echo.py").write_text("import sys; print(sys.argv[1:])")
    done = dhtask_run(folder, "--executor", "inline", "echo.py", "--workers", "0", "--help", "-m")
    assert done.stdout == "['--workers', '0', '--help', '-m']\n"
    done = dhtask_run(folder, "--executor", "inline", "-m", "echo", "--graph", "-x")
    assert done.stdout == "['--graph', '-x']\n"


def test_pictures_traces_and_the_summary_are_made(folder: Path) -> None:
    done = dhtask_run(
        folder, "--executor", "inline", "--graph", "g.svg", "--trace", "t.json", "--summary",
        "app.py", "8",
    )  # fmt: skip
    assert done.returncode == 0
    assert ET.parse(folder / "g.svg").getroot().tag.endswith("svg")
    events = json.loads((folder / "t.json").read_text())["traceEvents"]
    assert sum(e["ph"] == "X" and e["cat"] == "task" for e in events) == 15
    assert "make" in done.stderr
    assert "median" in done.stderr
    assert done.stdout == "280\n"


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_record_tells_what_ran(folder: Path, executor: str) -> None:
    dhtask_run(folder, "--executor", executor, "--workers", "2", "--graph", "r.json", "app.py", "4")
    record = RunRecord.from_json((folder / "r.json").read_text())
    assert [task.name for task in record.tasks] == ["make"] * 4 + ["add"] * 3
    assert {task.outcome for task in record.tasks} == {"finished"}
    assert all(len(task.runs) == 1 for task in record.tasks)
    parents = [sorted(parent.task for parent in task.parents) for task in record.tasks]
    assert parents == [[], [], [], [], [1, 2], [3, 4], [5, 6]]
    assert record.closed is not None
    assert record.synchronisations[0].call == "wait_on"


def test_a_graph_is_written_though_the_program_fails(folder: Path) -> None:
    done = dhtask_run(folder, "--executor", "inline", "--graph", "r.json", "fail.py")
    assert done.returncode == 1
    record = RunRecord.from_json((folder / "r.json").read_text())
    assert [(task.name, task.outcome) for task in record.tasks] == [("load", "failed")]
    assert "FileNotFoundError: no image x.png" in record.tasks[0].error


@pytest.mark.slow
def test_an_unreachable_cluster_is_refused_in_one_line(folder: Path) -> None:
    done = dhtask_run(folder, "--cluster", "tcp://127.0.0.1:9", "app.py", "4")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "tcp://127.0.0.1:9" in done.stderr


@pytest.mark.slow
def test_an_interrupt_ends_everything(folder: Path) -> None:
    command = [DHTASK, "run", "--workers", "2", "--graph", "r.json", "wait.py"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        family = psutil.Process(process.pid).children(recursive=True)
        assert family
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "dhtask: interrupted\n"
    _, left = psutil.wait_procs(family, timeout=10)
    assert left == []
    assert (folder / "r.json").exists()

"""The live line."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dhtask._model.observation import RunClosed, RunOpened, TaskCalled, TaskEnded, TaskSent
from dhtask.observe import Progress


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def watched(stream: io.StringIO, clock: Clock) -> Progress:
    progress = Progress(stream, clock=clock)
    progress.observe(RunOpened(0.0, "dask", 2, 2))
    return progress


def call(progress: Progress, task: int, *parents: int) -> None:
    progress.observe(TaskCalled(task, "f", 0.0, tuple((p, f"d{p}v1") for p in parents), ()))
    progress.observe(TaskSent(task, 1, 0.0))


def test_tasks_that_wait_for_others_are_waiting_though_they_were_sent() -> None:
    progress = watched(io.StringIO(), Clock())
    call(progress, 1)
    call(progress, 2, 1)
    call(progress, 3, 2)
    assert progress.line() == "0/3 tasks · 1 running · 2 waiting · 0:00"


def test_no_more_tasks_run_than_there_are_computing_units() -> None:
    progress = watched(io.StringIO(), Clock())
    for task in range(1, 6):
        call(progress, task)
    assert progress.line() == "0/5 tasks · 2 running · 3 waiting · 0:00"


def test_an_end_makes_its_readers_run() -> None:
    progress = watched(io.StringIO(), Clock())
    call(progress, 1)
    call(progress, 2, 1)
    progress.observe(TaskEnded(1, "finished", 0.0))
    assert progress.line() == "1/2 tasks · 1 running · 0:00"
    progress.observe(TaskEnded(2, "failed", 0.0))
    assert progress.line() == "2/2 tasks · 1 failed · 0:00"


def test_a_narrow_line_keeps_the_count() -> None:
    progress = watched(io.StringIO(), Clock())
    for task in range(1, 6):
        call(progress, task)
    assert progress.line(width=16) == "0/5 tasks · 0:00"
    assert progress.line(width=10) == "0/5 tasks"
    assert progress.line(width=5) == "0/5 t"


def test_a_short_run_leaves_a_log_file_clean() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = watched(stream, clock)
    call(progress, 1)
    clock.seconds = 29.0
    progress.observe(TaskEnded(1, "finished", 29.0))
    progress.observe(RunClosed(29.0))
    assert stream.getvalue() == ""


def test_a_long_run_writes_a_plain_line_now_and_then() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = watched(stream, clock)
    for task in range(1, 200):
        call(progress, task)
    for task in range(1, 101):
        clock.seconds = float(task)
        progress.observe(TaskEnded(task, "finished", 0.0))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "30/199 tasks · 2 running · 167 waiting · 1 tasks/s · 0:30"
    assert len(lines) == 3
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_the_line_on_a_terminal_never_wraps(width: int) -> None:
    clock = Clock()
    progress = watched(io.StringIO(), clock)
    for task in range(1, 3000):
        call(progress, task)
    progress.observe(TaskEnded(1, "failed", 0.0))
    clock.seconds = 4000.0
    sheet = io.StringIO()
    Console(file=sheet, width=width, force_terminal=True, no_color=True).print(progress)
    (line,) = sheet.getvalue().splitlines()
    assert 0 < len(line.replace("\x1b[2m", "").replace("\x1b[0m", "")) < width


def test_a_task_that_is_sent_again_counts_once() -> None:
    progress = watched(io.StringIO(), Clock())
    call(progress, 1)
    progress.observe(TaskSent(1, 2, 0.0))
    assert progress.line() == "0/1 tasks · 1 running · 0:00"

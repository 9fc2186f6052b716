"""The table of functions."""

from __future__ import annotations

import io
import statistics

import pytest
from rich.console import Console

from dhtask.observe import RunRecord, print_summary, summarise
from tests.dhtask.observe.runs import empty, small, training


def printed(record: RunRecord, width: int) -> list[str]:
    sheet = io.StringIO()
    print_summary(record, Console(file=sheet, width=width))
    return [line.rstrip() for line in sheet.getvalue().splitlines()]


def test_a_summary_counts_what_the_record_holds() -> None:
    record = training(epochs=2, steps=5)
    (gradient,) = [item for item in summarise(record) if item.name == "gradient"]
    seconds = [r.stop - r.start for t in record.tasks if t.name == "gradient" for r in t.runs]
    assert (gradient.tasks, gradient.runs, gradient.failures) == (40, 40, 0)
    assert gradient.least == min(seconds)
    assert gradient.median == statistics.median(seconds)
    assert gradient.greatest == max(seconds)
    assert gradient.total == pytest.approx(sum(seconds))
    assert gradient.bytes_out == 40 * 5000


def test_the_costliest_function_comes_first() -> None:
    totals = [item.total for item in summarise(training())]
    assert totals == sorted(totals, reverse=True)


def test_a_failure_is_counted_and_shown() -> None:
    (report,) = [item for item in summarise(small()) if item.name == "report"]
    assert report.failures == 1
    assert "failed" in printed(small(), 100)[0]
    assert "failed" not in printed(training(), 100)[0]


def test_a_function_that_never_ran_has_no_times() -> None:
    (upload,) = [item for item in summarise(small()) if item.name == "upload"]
    assert (upload.tasks, upload.runs, upload.total) == (1, 0, 0.0)


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 140])
def test_the_table_fits_the_terminal(width: int) -> None:
    lines = printed(small(), width)
    assert max(map(len, lines)) <= width
    assert len(lines) == 8


def test_a_wide_table_shows_everything() -> None:
    header = printed(small(), 120)[0].split()
    assert header == ["function", "tasks", "min", "median", "max", "total", "in", "out", "failed"]


def test_a_run_without_tasks_says_so() -> None:
    assert printed(empty(), 80) == ["No task was called."]

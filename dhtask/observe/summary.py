"""What each function cost: a table of counts, times, sizes and failures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dhtask.observe.record import RunRecord, TaskRecord
from dhtask.observe.words import data_size, duration, short_name

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class FunctionSummary:
    """The tasks of one function in one run."""

    name: str
    #: Tasks called.
    tasks: int
    #: Times that a worker ran the body, repetitions included.
    runs: int
    #: Seconds of a run: least, median, greatest, sum. Zero when nothing ran.
    least: float
    median: float
    greatest: float
    total: float
    bytes_in: int
    bytes_out: int
    #: Runs that raised.
    failures: int


def summarise(record: RunRecord) -> tuple[FunctionSummary, ...]:
    """Sum up a run by function, the costliest first.

    Args:
        record: The run.

    Returns:
        One summary for each function that was called.
    """
    by_name: dict[str, list[TaskRecord]] = {}
    for task in record.tasks:
        by_name.setdefault(task.name, []).append(task)
    summaries = [_summary(name, tasks) for name, tasks in by_name.items()]
    return tuple(sorted(summaries, key=lambda summary: (-summary.total, summary.name)))


def _summary(name: str, tasks: Sequence[TaskRecord]) -> FunctionSummary:
    runs = [run for task in tasks for run in task.runs]
    seconds = [run.seconds for run in runs] or [0.0]
    return FunctionSummary(
        name=name,
        tasks=len(tasks),
        runs=len(runs),
        least=min(seconds),
        median=statistics.median(seconds),
        greatest=max(seconds),
        total=sum(seconds),
        bytes_in=sum(run.bytes_in for run in runs),
        bytes_out=sum(run.bytes_out for run in runs),
        failures=sum(not run.succeeded for run in runs),
    )


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    text: Callable[[FunctionSummary], str]
    #: Narrowest terminal that shows the column.
    from_width: int


COLUMNS: Final = (
    _Column("tasks", lambda s: f"{s.tasks:,}", 0),
    _Column("min", lambda s: duration(s.least), 78),
    _Column("median", lambda s: duration(s.median), 60),
    _Column("max", lambda s: duration(s.greatest), 70),
    _Column("total", lambda s: duration(s.total), 0),
    _Column("in", lambda s: data_size(s.bytes_in), 92),
    _Column("out", lambda s: data_size(s.bytes_out), 92),
    _Column("failed", lambda s: f"{s.failures:,}" if s.failures else "", 48),
)


def print_summary(record: RunRecord, console: Console) -> None:
    """Print the table of a run; narrow terminals get fewer columns.

    Args:
        record: The run.
        console: Where to; its width decides on the columns.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    summaries = summarise(record)
    if not summaries:
        console.print("No task was called.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("function", overflow="ellipsis", no_wrap=True, min_width=8)
    columns = [column for column in COLUMNS if column.from_width <= console.width]
    if not any(summary.failures for summary in summaries):
        columns = [column for column in columns if column.title != "failed"]
    for column in columns:
        style = "red" if column.title == "failed" else None
        table.add_column(column.title, justify="right", no_wrap=True, style=style)
    for summary in summaries:
        name = Text(short_name(summary.name))
        table.add_row(name, *(column.text(summary) for column in columns))
    console.print(table)

"""What each worker did, as lanes in which runs never overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dhtask.observe.record import RunRecord, TaskRecord, TaskRun


@dataclass(frozen=True, slots=True)
class Bar:
    """One run of one task."""

    task: TaskRecord
    run: TaskRun


@dataclass(frozen=True, slots=True)
class Lane:
    """Runs of one worker that follow each other; a worker of several threads has several lanes."""

    worker: str
    #: Place among the lanes of its worker, from 0.
    number: int
    bars: tuple[Bar, ...]

    @property
    def label(self) -> str:
        """Name of the worker without the protocol of its address."""
        name = self.worker.rsplit("//", 1)[-1]
        return f"{name} #{self.number + 1}" if self.number else name


def lanes_of(record: RunRecord) -> tuple[Lane, ...]:
    """Sort the runs of a record into lanes, workers by name."""
    by_worker: dict[str, list[Bar]] = {}
    for task in record.tasks:
        for run in task.runs:
            by_worker.setdefault(run.worker, []).append(Bar(task, run))
    return tuple(
        Lane(worker, number, tuple(bars))
        for worker in sorted(by_worker)
        for number, bars in enumerate(_without_overlap(by_worker[worker]))
    )


def origin_of(record: RunRecord) -> float:
    """When the clock of the pictures starts: at the opening, or at the first run on a clock behind it."""
    starts = [run.start for task in record.tasks for run in task.runs]
    starts += [task.called for task in record.tasks]
    if record.opened is not None:
        starts.append(record.opened)
    return min(starts, default=0.0)


def end_of(record: RunRecord) -> float:
    """When the last thing happened."""
    return max(_stops(record), default=origin_of(record))


def _stops(record: RunRecord) -> Iterator[float]:
    yield from (run.stop for task in record.tasks for run in task.runs)
    yield from (item.stop for item in record.synchronisations)
    yield from (moment for moment in (record.opened, record.closed) if moment is not None)


def _without_overlap(bars: list[Bar]) -> list[list[Bar]]:
    lanes: list[list[Bar]] = []
    for bar in sorted(bars, key=lambda bar: (bar.run.start, bar.run.stop, bar.task.task)):
        free = next((lane for lane in lanes if lane[-1].run.stop <= bar.run.start), None)
        if free is None:
            lanes.append([bar])
        else:
            free.append(bar)
    return lanes

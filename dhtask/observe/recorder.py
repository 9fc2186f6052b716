"""From observations to one run record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from dhtask._model.observation import (
    Observation,
    Outcome,
    RunClosed,
    RunOpened,
    Synchronised,
    TaskCalled,
    TaskEnded,
    TaskRan,
    TaskSent,
)
from dhtask.observe.record import Parent, RunRecord, Synchronisation, TaskRecord, TaskRun


@dataclass(slots=True)
class _Entry:
    """What is known of one task so far."""

    called: TaskCalled
    sent: float | None = None
    runs: list[TaskRun] = field(default_factory=list)
    outcome: Outcome | None = None
    ended: float | None = None
    error: str = ""


@final
class Recorder:
    """An observer that keeps everything and gives it out as one immutable `RunRecord`.

    Pass it to the runtime as an observer and ask for `record()` at any time: during the run it tells what
    is known so far.

    Example:
        >>> from dhtask._model.observation import RunClosed, RunOpened, TaskCalled, TaskEnded
        >>> recorder = Recorder()
        >>> recorder.observe(RunOpened(time=0.0, executor="inline", workers=1, computing_units=1))
        >>> recorder.observe(TaskCalled(task=1, name="load", time=0.1, parents=(), groups=()))
        >>> recorder.observe(TaskEnded(task=1, outcome="finished", time=0.4))
        >>> recorder.observe(RunClosed(time=0.5))
        >>> [(task.name, task.outcome) for task in recorder.record().tasks]
        [('load', 'finished')]
    """

    def __init__(self) -> None:
        self._opened: RunOpened | None = None
        self._closed: float | None = None
        self._entries: dict[int, _Entry] = {}
        self._synchronisations: list[Synchronisation] = []

    def observe(self, observation: Observation, /) -> None:
        """Take one observation."""
        match observation:
            case TaskCalled():
                self._entries[observation.task] = _Entry(observation)
            case TaskSent():
                entry = self._entries[observation.task]
                if entry.sent is None:
                    entry.sent = observation.time
            case TaskRan():
                self._entries[observation.task].runs.append(_run(observation))
            case TaskEnded():
                entry = self._entries[observation.task]
                entry.outcome = observation.outcome
                entry.ended = observation.time
                entry.error = observation.error
            case Synchronised():
                self._synchronisations.append(self._synchronisation(observation))
            case RunOpened():
                self._opened = observation
            case RunClosed():
                self._closed = observation.time

    def record(self) -> RunRecord:
        """Give out what is known so far."""
        opened = self._opened
        return RunRecord(
            executor=opened.executor if opened else "",
            workers=opened.workers if opened else 0,
            computing_units=opened.computing_units if opened else 0,
            opened=opened.time if opened else None,
            closed=self._closed,
            tasks=tuple(_task(entry) for entry in list(self._entries.values())),
            synchronisations=tuple(self._synchronisations),
        )

    def _synchronisation(self, observation: Synchronised) -> Synchronisation:
        return Synchronisation(
            call=observation.call,
            tasks=observation.tasks,
            start=observation.start,
            stop=observation.stop,
            position=len(self._entries),
        )


def _run(observation: TaskRan) -> TaskRun:
    return TaskRun(
        attempt=observation.attempt,
        worker=observation.worker,
        start=observation.start,
        stop=observation.stop,
        bytes_in=observation.bytes_in,
        bytes_out=observation.bytes_out,
        succeeded=observation.succeeded,
    )


def _task(entry: _Entry) -> TaskRecord:
    return TaskRecord(
        task=entry.called.task,
        name=entry.called.name,
        groups=entry.called.groups,
        parents=tuple(Parent(task, label) for task, label in entry.called.parents),
        called=entry.called.time,
        sent=entry.sent,
        runs=tuple(sorted(entry.runs, key=lambda run: (run.start, run.attempt))),
        outcome=entry.outcome,
        ended=entry.ended,
        error=entry.error,
    )

"""The record of one run: what was called, where it ran, when, and how it ended.

A record is plain immutable data, so it can be drawn, compared, stored as JSON and read back long after
the run. Nothing here knows how it came about; `dhtask.observe.Recorder` writes one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from dhtask._model.observation import Outcome
from dhtask.errors import DhtaskError

FORMAT: Final = "dhtask-run/1"


class RecordFormatError(DhtaskError, ValueError):
    """A text is not the JSON of a run record."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A task whose result another task reads."""

    task: int
    #: The datum and version that is read, such as ``d3v1``.
    label: str


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One time that a worker ran the body of a task."""

    attempt: int
    worker: str
    #: Seconds since the epoch on the worker.
    start: float
    stop: float
    bytes_in: int
    bytes_out: int
    succeeded: bool

    @property
    def seconds(self) -> float:
        """How long the body ran; never negative, even when the worker's clock was set back."""
        return max(0.0, self.stop - self.start)


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task call and what became of it."""

    task: int
    #: Qualified name of the function, without its module.
    name: str
    #: Names of the enclosing task groups, outermost first.
    groups: tuple[str, ...]
    parents: tuple[Parent, ...]
    #: Seconds since the epoch.
    called: float
    #: When it was first handed to the executor; None when it never was.
    sent: float | None
    runs: tuple[TaskRun, ...]
    #: None while the task has not ended.
    outcome: Outcome | None
    ended: float | None
    #: ``TypeName: message`` of the exception, empty when there was none.
    error: str


@dataclass(frozen=True, slots=True)
class Synchronisation:
    """One time that the program waited for results."""

    call: str
    tasks: tuple[int, ...]
    start: float
    stop: float
    #: How many tasks the program had called before.
    position: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything that is known of one run, in the order of the calls.

    Example:
        >>> record = RunRecord("inline", 1, 1, opened=0.0, closed=2.0, tasks=(), synchronisations=())
        >>> RunRecord.from_json(record.to_json()) == record
        True
    """

    executor: str
    workers: int
    computing_units: int
    #: Seconds since the epoch; None while the run is open.
    opened: float | None
    closed: float | None
    tasks: tuple[TaskRecord, ...]
    synchronisations: tuple[Synchronisation, ...]

    def to_json(self) -> str:
        """Write the record as JSON text that `from_json` reads."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> RunRecord:
        """Read a record that `to_json` wrote.

        Raises:
            RecordFormatError: The text is not JSON, or not the JSON of a run record.
        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise RecordFormatError(f"expected the JSON of a run record, found {error}") from None
        found = data.get("format") if isinstance(data, dict) else type(data).__name__
        if found != FORMAT:
            raise RecordFormatError(
                f"expected a run record of format {FORMAT!r}, found {found!r}; "
                "write one with `dhtask run --graph run.json`"
            )
        try:
            return _record(data)
        except (KeyError, TypeError) as error:
            raise RecordFormatError(f"a run record lacks or misnames a field: {error}") from None


def _record(data: Mapping[str, Any]) -> RunRecord:
    return RunRecord(
        executor=data["executor"],
        workers=data["workers"],
        computing_units=data["computing_units"],
        opened=data["opened"],
        closed=data["closed"],
        tasks=tuple(_task(item) for item in data["tasks"]),
        synchronisations=tuple(
            Synchronisation(**{**item, "tasks": tuple(item["tasks"])})
            for item in data["synchronisations"]
        ),
    )


def _task(data: Mapping[str, Any]) -> TaskRecord:
    parts: dict[str, Sequence[object]] = {
        "groups": tuple(data["groups"]),
        "parents": tuple(Parent(**item) for item in data["parents"]),
        "runs": tuple(TaskRun(**item) for item in data["runs"]),
    }
    return TaskRecord(**{**data, **parts})

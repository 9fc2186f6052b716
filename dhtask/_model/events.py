"""What the graph is told. All of it is in the past tense, one event at a time.

From the program: TaskCalled, DatumPut, DataWanted, DataReceived, HandleDropped, DatumDeleted, GroupCancelled,
BarrierWanted. From the executor: TaskFinished, TaskFailed, TaskBlocked. The order in which it reports does not matter:
a report about a successor is put off until that about its predecessor is there, and one about an attempt that the
graph has given up is not heard.
"""

from __future__ import annotations

from dataclasses import dataclass

from dhtask._model.invocation import DatumId, Invocation, TaskId


@dataclass(frozen=True, slots=True)
class TaskCalled:
    """The program called a task. Numbers of tasks rise with every call.

    A datum that is read must have been put or written before; one that is only written may be new. Data are held
    by the program from the first event that names them until HandleDropped or DatumDeleted.
    """

    invocation: Invocation


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """The attempt ran to its end and all its outputs exist."""

    task: TaskId
    attempt: int


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """The attempt raised, or lost its workers; none of its outputs exist.

    Also told of a task that finished long ago, when its outputs were lost and making them again failed.
    """

    task: TaskId
    attempt: int
    #: Handed back in Abort, never looked at.
    error: object


@dataclass(frozen=True, slots=True)
class TaskBlocked:
    """The attempt never ran and never will, because the run of a predecessor failed.

    The TaskFailed of that predecessor must come too, before or after.
    """

    task: TaskId
    attempt: int


@dataclass(frozen=True, slots=True)
class DatumPut:
    """The program has content for a datum, new or known. Answered by Store, which names the version."""

    datum: DatumId


@dataclass(frozen=True, slots=True)
class DataWanted:
    """The program waits for the newest version of a datum.

    Answered by one Deliver with the same ticket, at once or later. The version lives until DataReceived.
    """

    ticket: int
    datum: DatumId


@dataclass(frozen=True, slots=True)
class DataReceived:
    """The program has what Deliver announced, or waits no longer."""

    ticket: int


@dataclass(frozen=True, slots=True)
class HandleDropped:
    """The program can no longer reach the datum: no later event names it. Unknown data are no error."""

    datum: DatumId


@dataclass(frozen=True, slots=True)
class DatumDeleted:
    """The program gave the datum up; tasks already called still get it. Unknown data are no error."""

    datum: DatumId


@dataclass(frozen=True, slots=True)
class GroupCancelled:
    """The program cancels the unfinished tasks of a group, and with them whatever reads their outputs."""

    group: str


@dataclass(frozen=True, slots=True)
class BarrierWanted:
    """The program waits until no task is left: of all, or of one group. Answered by one OpenBarrier."""

    ticket: int
    #: ``None``: all tasks.
    group: str | None = None


Event = (
    TaskCalled
    | TaskFinished
    | TaskFailed
    | TaskBlocked
    | DatumPut
    | DataWanted
    | DataReceived
    | HandleDropped
    | DatumDeleted
    | GroupCancelled
    | BarrierWanted
)

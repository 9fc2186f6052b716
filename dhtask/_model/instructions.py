"""What the graph wants done. All of it is in the imperative; the order within one answer matters.

For the executor: Submit, Cancel, Release, and UseDefault and Store, which give a version its content without a task.
For the runtime: Deliver, OpenBarrier, Announce, Abort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from dhtask._model.invocation import TaskId, Version
from dhtask._model.observation import Outcome

#: What became of a version that the program waits for. ``cancelled``: its task was cancelled, or failed with the
#: policy CANCEL_SUCCESSORS, and UseDefault gave it content. ``lost``: it has no content, the run has failed.
VersionOutcome = Literal["available", "cancelled", "lost"]


class Read(NamedTuple):
    """An input of a run.

    A version that one run reads in several slots must arrive there as one object.
    """

    slot: str
    version: Version
    #: Nobody else can see this version now or later: the run may have the object itself, not a copy.
    exclusive: bool


class Write(NamedTuple):
    """An output of a run."""

    slot: str
    version: Version
    #: The read of the same datum is exclusive: changing that object is how the output is made.
    in_place: bool


class Run(NamedTuple):
    """One attempt of one task, with its inputs and outputs fixed."""

    task: TaskId
    #: From 1. Attempts of a task may skip numbers, never repeat them.
    attempt: int
    reads: tuple[Read, ...]
    writes: tuple[Write, ...]
    #: Higher is sooner.
    priority: int


@dataclass(frozen=True, slots=True)
class Submit:
    """Run these, in this order, as one bundle.

    Each input exists or is the output of an attempt that was submitted before (perhaps in the same bundle); the
    executor reports each run by one TaskFinished, TaskFailed or TaskBlocked.
    """

    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Forget this attempt and what it made: stop it if that is easy. Whatever it still reports is not heard.

    Release is for versions that exist: what a failed, blocked or cancelled attempt leaves behind goes without one.
    """

    task: TaskId
    attempt: int


@dataclass(frozen=True, slots=True)
class Release:
    """Nobody can read this version any more: no later instruction names it."""

    version: Version


@dataclass(frozen=True, slots=True)
class Store:
    """Keep under this version the content that the program put (answer to DatumPut)."""

    version: Version


@dataclass(frozen=True, slots=True)
class UseDefault:
    """Give a version content without running a task.

    The content is the default that the program declared for ``slot`` of ``task``, if ``declared`` and there is one;
    else that of ``source``, which exists now and may be released later without harm to ``version``; else ``None``.
    """

    version: Version
    source: Version | None
    #: The task that should have made it; ``None``: a row of CONCURRENT tasks ended.
    task: TaskId | None
    slot: str
    #: The task itself failed, so that its declared defaults apply; false when it was cancelled.
    declared: bool


@dataclass(frozen=True, slots=True)
class Deliver:
    """Tell the program what became of the version that it waits for."""

    ticket: int
    version: Version
    outcome: VersionOutcome
    #: From the task that should have made the version to the one whose failure or cancellation was the cause;
    #: empty when it is available.
    chain: tuple[TaskId, ...]
    #: The tasks that made the version, or should have: more than one after commutative or concurrent tasks.
    makers: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True)
class OpenBarrier:
    """Tell the program that the tasks it waits for have ended."""

    ticket: int
    #: ``None``: all tasks.
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell those who watch that a task has ended: it will not run again."""

    task: TaskId
    outcome: Outcome
    #: The predecessor that made it impossible, for a cancelled task; ``None``: the program cancelled it.
    cause: TaskId | None = None


@dataclass(frozen=True, slots=True)
class Abort:
    """The run has failed because of this task: take no more work, raise this error. Comes at most once.

    No Submit follows it. What had been submitted and does not depend on the task runs to its end.
    """

    task: TaskId
    error: object


Instruction = (
    Submit | Cancel | Release | Store | UseDefault | Deliver | OpenBarrier | Announce | Abort
)

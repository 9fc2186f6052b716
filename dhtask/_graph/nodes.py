"""What the graph remembers: tasks, versions, data, and rows of tasks that share a datum.

These are the only mutable objects of the graph. They hold no behaviour beyond what keeps one of them consistent
with itself; whatever involves two of them is in the modules that use them.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final

from dhtask._model.events import TaskFailed, TaskFinished
from dhtask._model.invocation import DatumId, Invocation, TaskId, Version


class State(StrEnum):
    """Where a task is; docs/design/task-states.md draws the transitions."""

    #: Some input is neither there nor being made by a submitted task.
    WAITING = "waiting"
    #: It could be submitted; there are too many before it.
    READY = "ready"
    #: The executor has it.
    SENT = "sent"
    #: The executor gave it back because a predecessor failed; which one is not known yet.
    BLOCKED = "blocked"
    #: It ran to its end.
    FINISHED = "finished"
    #: It failed and its policy is IGNORE.
    IGNORED = "ignored"
    #: It failed for good.
    FAILED = "failed"
    #: It will never run.
    CANCELLED = "cancelled"


class Stimulus(StrEnum):
    """What can happen to a task."""

    #: The last of its missing inputs exists or is being made.
    COVER = "cover"
    #: An input is not being made any more.
    UNCOVER = "uncover"
    #: Its turn has come.
    SEND = "send"
    FINISH = "finish"
    FAIL = "fail"
    BLOCK = "block"
    CANCEL = "cancel"


class Status(StrEnum):
    """Where a version is."""

    #: Nobody is making it.
    PENDING = "pending"
    #: The executor has the task that makes it.
    COMING = "coming"
    #: It exists.
    AVAILABLE = "available"
    #: It will never exist, because the run has failed.
    LOST = "lost"
    #: It was there and nobody can read it any more.
    RELEASED = "released"


# An attribute of an enum costs five times a global, and every event looks some of these up.
WAITING: Final = State.WAITING
READY: Final = State.READY
SENT: Final = State.SENT
PENDING: Final = Status.PENDING
COMING: Final = Status.COMING
AVAILABLE: Final = Status.AVAILABLE
LOST: Final = Status.LOST
RELEASED: Final = Status.RELEASED

ENDED = frozenset({State.FINISHED, State.IGNORED, State.FAILED, State.CANCELLED})
SETTLED = frozenset({Status.AVAILABLE, Status.LOST})


#: Most versions never have a reader at once and many tasks read nothing: these stand for empty, and are never changed,
#: because objects that live long cost time in every collection of garbage.
NO_READERS: dict[TaskNode, None] = {}
NO_READS: list[tuple[str, VersionNode]] = []


class TaskNode:
    """One task, from its call until its last output is released."""

    __slots__ = (
        "attempt",
        "cause",
        "concurrent",
        "failures",
        "groups",
        "id",
        "live",
        "missing",
        "name",
        "policy",
        "priority",
        "reads",
        "rows",
        "state",
        "writes",
    )

    def __init__(self, invocation: Invocation) -> None:
        self.id: TaskId = invocation.task
        self.name = invocation.name
        self.policy = invocation.failure
        self.priority = invocation.priority
        self.groups = invocation.groups
        self.state = State.WAITING
        #: The attempt that the executor has, or else the next one; reports about any other are stale.
        self.attempt = 1
        #: How many attempts raised.
        self.failures = 0
        #: Distinct inputs that keep it from being submitted.
        self.missing = 0
        #: Outputs that are not released.
        self.live = 0
        #: Slot and version of each input; empty once the task has ended.
        self.reads: list[tuple[str, VersionNode]] = NO_READS
        self.writes: list[VersionNode] = []
        #: Commutative rows in which its place is not chosen yet.
        self.rows: list[tuple[str, CommutativeRow]] | None = None
        self.concurrent: list[ConcurrentRow] | None = None
        #: The predecessor that made it impossible.
        self.cause: TaskNode | None = None

    @property
    def title(self) -> str:
        """Number and name, for messages."""
        return f"task {self.id} {self.name}()"


class VersionNode:
    """One version, from the call that makes it until nobody can read it."""

    __slots__ = (
        "awaiting",
        "before",
        "blame",
        "cancelled",
        "datum",
        "deferred",
        "donated",
        "followers",
        "holds",
        "made_by",
        "readers",
        "row",
        "shared",
        "slot",
        "status",
        "tickets",
        "version",
        "writer",
    )

    def __init__(self, datum: Datum, number: int, writer: TaskNode | None, slot: str) -> None:
        self.version = Version(datum.id, number)
        self.datum = datum
        self.writer = writer
        self.slot = slot
        self.status = Status.PENDING
        #: Unfinished tasks that read it. A dict, because a set has no order of its own.
        self.readers: dict[TaskNode, None] = NO_READERS
        #: Reasons to keep it other than readers and handles: tickets, followers, rows.
        self.holds = 0
        #: Whatever reads it is cancelled.
        self.cancelled = False
        #: Its content may be known under another version or by the program: never to be changed in place.
        self.shared = False
        #: A submitted task may change it in place.
        self.donated = False
        #: The version before, when its writer reads that; empty once settled.
        self.before: VersionNode | None = None
        #: The task because of which it is cancelled or lost.
        self.blame: TaskNode | None = None
        #: Versions that take their content from this one as soon as it has any.
        self.followers: list[VersionNode] | None = None
        #: Tasks that may not choose their place in a row before this exists.
        self.awaiting: list[TaskNode] | None = None
        self.tickets: list[int] | None = None
        #: Reports of readers that came before that of the writer: they are heard after it.
        self.deferred: list[TaskFinished | TaskFailed] | None = None
        #: The commutative row that starts from it.
        self.row: CommutativeRow | None = None
        #: The row that it is an output of.
        self.made_by: CommutativeRow | ConcurrentRow | None = None

    @property
    def is_held(self) -> bool:
        """Whether the program can still ask for it or pass it on."""
        return self.datum.held and self.datum.newest is self

    @property
    def is_idle(self) -> bool:
        """Whether it exists for no reason."""
        return self.status in SETTLED and not self.readers and not self.holds and not self.is_held


class Datum:
    """Whatever is tracked by identity: its newest version, and the row of tasks that is still open to others."""

    __slots__ = ("alive", "held", "id", "newest", "open_row")

    def __init__(self, datum: DatumId) -> None:
        self.id = datum
        self.newest: VersionNode | None = None
        self.open_row: CommutativeRow | ConcurrentRow | None = None
        #: The program can reach it.
        self.held = True
        #: Versions not released.
        self.alive = 0


class CommutativeRow:
    """Commutative tasks called one after another: each makes a version, in an order chosen as they become ready.

    ::

        base --m2--> v1 --m1--> v2 --?--> v3 (last)
                            tail

    Every member brings one version at its call; the k-th member to be chosen writes the k-th version. So the last
    version is known when the row is closed, whoever will write it.
    """

    __slots__ = (
        "base_cancelled",
        "cause",
        "last",
        "members",
        "origin",
        "rooted",
        "tail",
        "unassigned",
        "unchosen",
    )

    def __init__(self, base: VersionNode, origin: tuple[tuple[TaskId, str], ...]) -> None:
        #: What the next member to be chosen reads.
        self.tail = base
        self.last = base
        self.base_cancelled = base.cancelled
        #: Some submitted task makes the base, or it exists. No place is chosen before: the task that makes the base may
        #: itself be waiting for a place in another row, and must get it first.
        self.rooted = base.status is not Status.PENDING
        self.unassigned: deque[VersionNode] = deque()
        self.unchosen: dict[TaskNode, None] = {}
        self.members: list[TaskId] = []
        #: Tasks, with labels, that the row as a whole follows.
        self.origin = origin
        #: A member that was cancelled, or failed and cancels its successors: those are after the row, not in it.
        self.cause: TaskNode | None = None


class ConcurrentRow:
    """Concurrent tasks called one after another: they all read one version, and what follows waits for all."""

    __slots__ = ("after", "base", "cause", "lost", "members", "origin", "running")

    def __init__(self, base: VersionNode, origin: tuple[tuple[TaskId, str], ...]) -> None:
        self.base: VersionNode | None = base
        #: The state after all members, once somebody reads it.
        self.after: VersionNode | None = None
        self.running = 0
        self.members: list[TaskId] = []
        self.origin = origin
        self.cause: TaskNode | None = None
        self.lost = False

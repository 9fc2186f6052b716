"""All that the graph knows between two events, and the one way to change the state of a task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from dhtask._graph.nodes import Datum, State, Stimulus, TaskNode, VersionNode
from dhtask._graph.tracker import DataTracker
from dhtask._model.events import TaskFailed, TaskFinished
from dhtask._model.instructions import Instruction
from dhtask._model.invocation import DatumId, TaskId
from dhtask.errors import InvalidTransitionError

#: How many transitions the story of a run goes back.
STORY_LENGTH = 4096


class Ledger:
    """All that the graph knows between two events."""

    __slots__ = (
        "aborted",
        "barriers",
        "data",
        "deferred",
        "error",
        "groups",
        "in_flight",
        "last_task",
        "max_in_flight",
        "out",
        "queue",
        "ready",
        "story",
        "table",
        "tasks",
        "tickets",
        "tracker",
        "unfinished",
    )

    def __init__(self, table: Mapping[tuple[State, Stimulus], Action], max_in_flight: int) -> None:
        self.table = dict(table)
        self.tracker = DataTracker(self)
        self.max_in_flight = max_in_flight
        #: Tasks that have not ended, or of which an output is not released.
        self.tasks: dict[TaskId, TaskNode] = {}
        self.data: dict[DatumId, Datum] = {}
        #: Tasks that have not ended, by group.
        self.groups: dict[str, dict[TaskNode, None]] = {}
        self.tickets: dict[int, VersionNode] = {}
        self.barriers: dict[str | None, list[int]] = {}
        #: Heap of minus priority and number; may hold tasks that are no longer ready.
        self.ready: list[tuple[int, TaskId]] = []
        #: Steps that follow from the one being taken; a queue, so that long chains do not recurse.
        self.queue: deque[tuple[TaskNode, Stimulus]] = deque()
        #: Reports that have become ready to be heard.
        self.deferred: deque[TaskFinished | TaskFailed] = deque()
        self.out: list[Instruction] = []
        self.in_flight = 0
        self.unfinished = 0
        self.last_task: TaskId = 0
        #: The task because of which the run has failed.
        self.aborted: TaskNode | None = None
        #: The error of the failure being handled.
        self.error: object = None
        self.story: deque[tuple[TaskId, State, Stimulus]] = deque(maxlen=STORY_LENGTH)

    def step(self, task: TaskNode, stimulus: Stimulus) -> None:
        """Do what the table says; the only place where the state of a task starts to change."""
        action = self.table.get((task.state, stimulus))
        if action is None:
            raise self.invalid(task, f"cannot {stimulus}")
        self.story.append((task.id, task.state, stimulus))
        action(self, task)

    def drain(self) -> None:
        """Take the steps that follow, until there are none."""
        queue = self.queue
        while queue:
            self.step(*queue.popleft())

    def invalid(self, task: TaskNode, what: str) -> InvalidTransitionError:
        """Make the error that tells the story of the task."""
        story = tuple(
            f"{stimulus} when {state}" for of, state, stimulus in self.story if of == task.id
        )
        message = f"{task.title} is {task.state} with attempt {task.attempt}: {what}"
        return InvalidTransitionError(message, task=task.id, story=story)


Action = Callable[[Ledger, TaskNode], None]

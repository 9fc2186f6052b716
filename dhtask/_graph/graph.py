"""The task graph: events in, instructions out.

It decides and never acts: no threads, clock, sockets or user objects. The same events give the same instructions.
An event costs what it touches: the edges of the tasks that change state, never all tasks (but for the one
event that ends a failed run). ``TABLE`` is all that can happen to a task; docs/design/task-states.md draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, final

from dhtask._graph import failure, flow, program, validation
from dhtask._graph.ledger import Action, Ledger
from dhtask._graph.nodes import AVAILABLE, COMING, State, Stimulus, TaskNode
from dhtask._graph.picture import Picture, draw, parents_of, why_waits
from dhtask._model import events
from dhtask._model.events import Event, TaskBlocked, TaskFailed, TaskFinished
from dhtask._model.instructions import Instruction
from dhtask._model.invocation import DatumId, TaskId
from dhtask.errors import InternalError

TABLE: Mapping[tuple[State, Stimulus], Action] = MappingProxyType(
    {
        (State.WAITING, Stimulus.COVER): flow.enqueue,
        (State.WAITING, Stimulus.UNCOVER): flow.stay,
        (State.WAITING, Stimulus.CANCEL): failure.cancel,
        (State.READY, Stimulus.SEND): flow.send,
        (State.READY, Stimulus.UNCOVER): flow.wait_again,
        (State.READY, Stimulus.CANCEL): failure.cancel,
        (State.SENT, Stimulus.FINISH): flow.finish,
        (State.SENT, Stimulus.FAIL): failure.fail,
        (State.SENT, Stimulus.BLOCK): flow.block,
        (State.SENT, Stimulus.UNCOVER): flow.pull_back,
        (State.SENT, Stimulus.CANCEL): failure.cancel,
        (State.BLOCKED, Stimulus.UNCOVER): flow.wait_again,
        (State.BLOCKED, Stimulus.CANCEL): failure.cancel,
        (State.FINISHED, Stimulus.FAIL): failure.lose,
        (State.CANCELLED, Stimulus.UNCOVER): flow.stay,
        (State.CANCELLED, Stimulus.CANCEL): flow.stay,
    }
)


def _reported(stimulus: Stimulus) -> Callable[[Ledger, Any], None]:
    def handle(ledger: Ledger, event: TaskFinished | TaskFailed | TaskBlocked) -> None:
        task = ledger.tasks.get(event.task)
        if task is None:
            if event.task > ledger.last_task:
                raise InternalError(f"{event!r}: no such task was called")
            return
        if event.attempt > task.attempt:
            raise ledger.invalid(task, f"{event!r} is about an attempt that was never submitted")
        if event.attempt == task.attempt and not _is_deferred(task, event):
            ledger.error = getattr(event, "error", None)
            ledger.step(task, stimulus)

    return handle


def _is_deferred(task: TaskNode, event: TaskFinished | TaskFailed | TaskBlocked) -> bool:
    """Put a report off until those of the predecessors are there, so that their order is of no consequence."""
    if isinstance(event, TaskBlocked):
        return False
    for _, node in task.reads:
        if node.status is COMING:
            if node.deferred is None:
                node.deferred = []
            node.deferred.append(event)
            return True
    return False


HANDLERS: Mapping[type[Event], Callable[[Ledger, Any], None]] = MappingProxyType(
    {
        events.TaskCalled: program.call,
        events.TaskFinished: _reported(Stimulus.FINISH),
        events.TaskFailed: _reported(Stimulus.FAIL),
        events.TaskBlocked: _reported(Stimulus.BLOCK),
        events.DatumPut: program.put,
        events.DataWanted: program.want,
        events.DataReceived: program.receive,
        events.HandleDropped: program.drop,
        events.DatumDeleted: program.drop,
        events.GroupCancelled: program.cancel_group,
        events.BarrierWanted: program.want_barrier,
    }
)


@final
class TaskGraph:
    """Decides what is to be done after each event of a run.

    Args:
        max_in_flight: how many tasks the executor may have at once.
        check: call ``validate`` after every event; slow, for tests and for the hunt after a defect.
    """

    __slots__ = ("_check", "_ledger")

    def __init__(self, *, max_in_flight: int = 10_000, check: bool = False) -> None:
        if max_in_flight < 1:
            raise ValueError(f"max_in_flight must be at least 1, found {max_in_flight!r}")
        self._ledger = Ledger(TABLE, max_in_flight)
        self._check = check

    def handle(self, event: Event) -> list[Instruction]:
        """Take one event in and say what is to be done, in order.

        Raises:
            InternalError: if the event cannot have happened. The graph must not be used after that.
        """
        ledger = self._ledger
        HANDLERS[type(event)](ledger, event)
        if ledger.queue:
            ledger.drain()
        while ledger.deferred:
            report = ledger.deferred.popleft()
            HANDLERS[type(report)](ledger, report)
            ledger.drain()
        if ledger.ready:
            flow.pump(ledger)
        out, ledger.out = ledger.out, []
        if self._check:
            self.validate()
        return out

    @property
    def unfinished(self) -> int:
        """How many tasks have not ended."""
        return self._ledger.unfinished

    @property
    def in_flight(self) -> int:
        """How many tasks the executor has."""
        return self._ledger.in_flight

    @property
    def is_aborted(self) -> bool:
        """Whether the run has failed."""
        return self._ledger.aborted is not None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left: no task, no version, nobody who waits."""
        ledger = self._ledger
        return not (ledger.tasks or ledger.data or ledger.tickets or ledger.barriers)

    def state_of(self, task: TaskId) -> str:
        """Name of the state of a task; ``forgotten`` when nothing is left of it, ``unknown`` before its call."""
        node = self._ledger.tasks.get(task)
        if node is not None:
            return str(node.state)
        return "forgotten" if task <= self._ledger.last_task else "unknown"

    def status_of(self, datum: DatumId) -> str:
        """What the newest version of a datum is: pending, coming, available, cancelled, lost; else ``unknown``."""
        found = self._ledger.data.get(datum)
        if found is None or found.newest is None:
            return "unknown"
        node = found.newest
        return "cancelled" if node.cancelled and node.status is AVAILABLE else str(node.status)

    def parents_of(self, task: TaskId) -> tuple[tuple[TaskId, str], ...]:
        """Tasks whose results an unfinished task reads, each with the label of the version: ``((1, "d3v1"),)``."""
        return parents_of(self._ledger, task)

    def why_waits(self, task: TaskId) -> str:
        """Explain, one line for each predecessor, what a task waits for."""
        return why_waits(self._ledger, task)

    def picture(self) -> Picture:
        """Nodes and edges of what is left of the graph."""
        return draw(self._ledger)

    def validate(self) -> None:
        """Check every invariant.

        Raises:
            InternalError: naming what does not hold.
        """
        validation.validate(self._ledger)

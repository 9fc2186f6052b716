"""What the program tells the graph: calls, data, waits."""

from __future__ import annotations

from dhtask._graph.ledger import Ledger
from dhtask._graph.nodes import SETTLED, Status, Stimulus, TaskNode
from dhtask._graph.tracker import delivery
from dhtask._model.events import (
    BarrierWanted,
    DataReceived,
    DataWanted,
    DatumDeleted,
    DatumPut,
    GroupCancelled,
    HandleDropped,
    TaskCalled,
)
from dhtask._model.instructions import OpenBarrier, Store
from dhtask.errors import InternalError


def call(ledger: Ledger, event: TaskCalled) -> None:
    """Take a new task in."""
    invocation = event.invocation
    if invocation.task <= ledger.last_task:
        raise InternalError(
            f"task {invocation.task} was called after task {ledger.last_task}; numbers must rise"
        )
    ledger.last_task = invocation.task
    task = TaskNode(invocation)
    ledger.tasks[task.id] = task
    ledger.unfinished += 1
    for group in invocation.groups:
        ledger.groups.setdefault(group, {})[task] = None
    tracker = ledger.tracker
    tracker.attach(task, invocation.accesses)
    for _, node in task.reads:
        if node.cancelled or node.status is Status.LOST:
            tracker.cancel_later(task, node.blame)
    if ledger.aborted is not None:
        tracker.cancel_later(task, None)
    if not task.missing:
        ledger.step(task, Stimulus.COVER)


def put(ledger: Ledger, event: DatumPut) -> None:
    """Make a version for content that the program has."""
    ledger.out.append(Store(ledger.tracker.put(event.datum).version))


def want(ledger: Ledger, event: DataWanted) -> None:
    """Keep the newest version for the program, and tell it when the version is settled."""
    if event.ticket in ledger.tickets:
        raise InternalError(f"ticket {event.ticket} is in use; a ticket is for one wait")
    node = ledger.tracker.newest(event.datum)
    node.holds += 1
    ledger.tickets[event.ticket] = node
    if node.status in SETTLED:
        ledger.out.append(delivery(event.ticket, node))
    elif node.tickets is None:
        node.tickets = [event.ticket]
    else:
        node.tickets.append(event.ticket)


def receive(ledger: Ledger, event: DataReceived) -> None:
    """Let go of a version that the program waited for."""
    node = ledger.tickets.pop(event.ticket, None)
    if node is None:
        raise InternalError(f"ticket {event.ticket} is not in use")
    if node.tickets is not None and event.ticket in node.tickets:
        node.tickets.remove(event.ticket)
    node.holds -= 1
    ledger.tracker.release_if_idle(node)


def drop(ledger: Ledger, event: HandleDropped | DatumDeleted) -> None:
    """Let go of a datum that the program cannot or will not reach again."""
    ledger.tracker.drop(event.datum)


def cancel_group(ledger: Ledger, event: GroupCancelled) -> None:
    """Cancel the unfinished tasks of a group."""
    tracker = ledger.tracker
    for task in ledger.groups.get(event.group, ()):
        tracker.cancel_later(task, None)


def want_barrier(ledger: Ledger, event: BarrierWanted) -> None:
    """Tell the program when no task of the group, or none at all, is left."""
    left = ledger.unfinished if event.group is None else len(ledger.groups.get(event.group, ()))
    if left:
        ledger.barriers.setdefault(event.group, []).append(event.ticket)
    else:
        ledger.out.append(OpenBarrier(event.ticket, event.group))

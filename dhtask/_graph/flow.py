"""Transitions of tasks for which all goes well, and of those that have to step back."""

from __future__ import annotations

from heapq import heappop, heappush

from dhtask._graph.ledger import Ledger
from dhtask._graph.nodes import (
    AVAILABLE,
    READY,
    SENT,
    WAITING,
    State,
    Stimulus,
    TaskNode,
    VersionNode,
)
from dhtask._model.instructions import Announce, Cancel, OpenBarrier, Read, Run, Submit, Write
from dhtask._model.observation import Outcome


def enqueue(ledger: Ledger, task: TaskNode) -> None:
    """WAITING -> READY: all inputs exist or are being made."""
    task.state = READY
    heappush(ledger.ready, (-task.priority, task.id))


def send(ledger: Ledger, task: TaskNode) -> None:
    """READY -> SENT; a commutative task first gets its place, and perhaps has to wait for the one before it."""
    tracker = ledger.tracker
    if task.rows is not None:
        tracker.choose(task)
        if task.missing:
            task.state = WAITING
            return
    task.state = SENT
    ledger.in_flight += 1
    ledger.out.append(Submit((make_run(task),)))
    for node in task.writes:
        tracker.cover(node)


def make_run(task: TaskNode) -> Run:
    """Fix what the next attempt reads and writes, and which inputs it may have for itself."""
    reads: list[Read] = []
    for slot, node in task.reads:
        exclusive = may_donate(task, node)
        if exclusive:
            node.donated = True
        reads.append(Read(slot, node.version, exclusive))
    writes = [
        Write(node.slot, node.version, node.before is not None and node.before.donated)
        for node in task.writes
    ]
    return Run(task.id, task.attempt, tuple(reads), tuple(writes), task.priority)


def may_donate(task: TaskNode, node: VersionNode) -> bool:
    """Whether nobody else sees the version, and the task will not need it again: no retry, default or cancellation."""
    return not (
        node.shared
        or node.holds
        or len(node.readers) > 1
        or node.is_held
        or task.groups
        or task.policy.kind != "FAIL"
    )


def finish(ledger: Ledger, task: TaskNode) -> None:
    """SENT -> FINISHED: its outputs exist."""
    task.state = State.FINISHED
    ledger.in_flight -= 1
    tracker = ledger.tracker
    # Inputs first: what was changed in place is released before any later result is.
    if task.reads:
        tracker.drop_reads(task)
    for node in task.writes:
        tracker.settle(node, AVAILABLE)
    end(ledger, task, "finished")


def end(ledger: Ledger, task: TaskNode, outcome: Outcome) -> None:
    """Take a task, that will not run again, out of the books."""
    tracker = ledger.tracker
    if task.concurrent is not None:
        tracker.leave_rows(task)
    cause = task.cause
    ledger.out.append(Announce(task.id, outcome, None if cause is None else cause.id))
    ledger.unfinished -= 1
    for group in dict.fromkeys(task.groups):
        members = ledger.groups[group]
        del members[task]
        if not members:
            del ledger.groups[group]
            open_barriers(ledger, group)
    if not ledger.unfinished and ledger.barriers:
        open_barriers(ledger, None)
    if not task.live:
        tracker.forget(task)


def open_barriers(ledger: Ledger, group: str | None) -> None:
    """Let go those who wait for the end of a group, or of everything."""
    for ticket in ledger.barriers.pop(group, ()):
        ledger.out.append(OpenBarrier(ticket, group))


def block(ledger: Ledger, task: TaskNode) -> None:
    """SENT -> BLOCKED: some predecessor failed; its own report says which."""
    task.state = State.BLOCKED
    _give_up_attempt(ledger, task)


def pull_back(ledger: Ledger, task: TaskNode) -> None:
    """SENT -> WAITING: an input is not being made any more, so this attempt can never run."""
    ledger.out.append(Cancel(task.id, task.attempt))
    _give_up_attempt(ledger, task)
    wait_again(ledger, task)


def _give_up_attempt(ledger: Ledger, task: TaskNode) -> None:
    ledger.in_flight -= 1
    task.attempt += 1
    tracker = ledger.tracker
    for _, node in task.reads:
        node.donated = False
    for node in task.writes:
        tracker.uncover(node)


def wait_again(ledger: Ledger, task: TaskNode) -> None:
    """READY or BLOCKED -> WAITING; at once READY if nothing is missing any more, or CANCELLED with a failed run."""
    task.state = WAITING
    if ledger.aborted is not None:
        ledger.queue.append((task, Stimulus.CANCEL))
    elif not task.missing:
        ledger.step(task, Stimulus.COVER)


def stay(ledger: Ledger, task: TaskNode) -> None:
    """Leave the task as it is: it steps back, or ends, only once."""


def pump(ledger: Ledger) -> None:
    """Send what is ready, the most urgent first, as far as the bound allows; a failed run sends nothing more."""
    ready, tasks = ledger.ready, ledger.tasks
    while ready and ledger.in_flight < ledger.max_in_flight and ledger.aborted is None:
        task = tasks.get(heappop(ready)[1])
        if task is not None and task.state is READY:
            ledger.step(task, Stimulus.SEND)

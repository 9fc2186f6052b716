"""Transitions of tasks that fail or are cancelled: what the failure policies mean."""

from __future__ import annotations

from dhtask._graph.flow import end, wait_again
from dhtask._graph.ledger import Ledger
from dhtask._graph.nodes import State, Status, TaskNode
from dhtask._graph.tracker import UNENDED
from dhtask._model.instructions import Abort, Cancel


def fail(ledger: Ledger, task: TaskNode) -> None:
    """SENT -> WAITING, IGNORED or FAILED, as the policy of the task says."""
    ledger.in_flight -= 1
    task.failures += 1
    task.attempt += 1
    tracker = ledger.tracker
    for _, node in task.reads:
        node.donated = False
    for node in task.writes:
        tracker.uncover(node)
    policy = task.policy
    kind = policy.kind
    if kind == "RETRY":
        if task.failures < policy.attempts and ledger.aborted is None:
            wait_again(ledger, task)
            return
        kind = policy.then
    if kind == "IGNORE":
        _ignore(ledger, task)
    elif kind == "CANCEL_SUCCESSORS":
        _cancel_successors(ledger, task)
    else:
        _fail_for_good(ledger, task)


def _ignore(ledger: Ledger, task: TaskNode) -> None:
    task.state = State.IGNORED
    _substitute_outputs(ledger, task)
    end(ledger, task, "ignored")


def _cancel_successors(ledger: Ledger, task: TaskNode) -> None:
    task.state = State.FAILED
    _cancel_outputs(ledger, task)
    _substitute_outputs(ledger, task)
    end(ledger, task, "failed")


def _fail_for_good(ledger: Ledger, task: TaskNode) -> None:
    task.state = State.FAILED
    abort(ledger, task)
    _lose_outputs(ledger, task)
    end(ledger, task, "failed")


def lose(ledger: Ledger, task: TaskNode) -> None:
    """FINISHED -> FAILED: outputs that somebody needs were lost, and making them again failed.

    No policy can help: the inputs may have been released long ago.
    """
    task.state = State.FAILED
    abort(ledger, task)
    for node in task.writes:
        if node.status is Status.AVAILABLE:
            node.blame = task
            ledger.tracker.settle(node, Status.LOST)


def abort(ledger: Ledger, task: TaskNode) -> None:
    """End the run: nothing more is sent, and what has not been sent is cancelled."""
    if ledger.aborted is not None:
        return
    ledger.aborted = task
    ledger.out.append(Abort(task.id, ledger.error))
    tracker = ledger.tracker
    for other in ledger.tasks.values():
        if other.state in UNENDED and other.state is not State.SENT:
            tracker.cancel_later(other, None)


def cancel(ledger: Ledger, task: TaskNode) -> None:
    """WAITING, READY, SENT or BLOCKED -> CANCELLED: its outputs get the content before, or are lost with the run."""
    tracker = ledger.tracker
    if task.state is State.SENT:
        ledger.in_flight -= 1
        ledger.out.append(Cancel(task.id, task.attempt))
        for node in task.writes:
            tracker.uncover(node)
    task.attempt += 1
    if task.rows is not None:
        tracker.choose(task)
    task.state = State.CANCELLED
    if ledger.aborted is None:
        _cancel_outputs(ledger, task)
        _substitute_outputs(ledger, task)
    else:
        task.cause = task.cause or ledger.aborted
        _lose_outputs(ledger, task)
    end(ledger, task, "cancelled")


def _cancel_outputs(ledger: Ledger, task: TaskNode) -> None:
    tracker = ledger.tracker
    for node in task.writes:
        tracker.cancel_output(node, task)
    for row in task.concurrent or ():
        row.cause = row.cause or task
        if row.after is not None:
            tracker.mark_cancelled(row.after, task)


def _substitute_outputs(ledger: Ledger, task: TaskNode) -> None:
    tracker = ledger.tracker
    for node in task.writes:
        tracker.substitute(node)
    tracker.drop_reads(task)


def _lose_outputs(ledger: Ledger, task: TaskNode) -> None:
    tracker = ledger.tracker
    for node in task.writes:
        node.blame = task
        tracker.settle(node, Status.LOST)
    for row in task.concurrent or ():
        row.lost = True
        row.cause = row.cause or task
    tracker.drop_reads(task)

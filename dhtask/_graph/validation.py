"""Every invariant of the graph, checked by counting again what the graph keeps count of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dhtask._graph.ledger import Ledger
from dhtask._graph.nodes import (
    ENDED,
    CommutativeRow,
    ConcurrentRow,
    State,
    Status,
    TaskNode,
    VersionNode,
)
from dhtask.errors import InternalError


def validate(ledger: Ledger) -> None:
    """Check every invariant.

    Raises:
        InternalError: naming what does not hold.
    """
    versions = dict.fromkeys(_versions(ledger))
    rows = {row: None for task in ledger.tasks.values() for row in _rows_of(task)}
    for task in ledger.tasks.values():
        _check_task(ledger, task)
    _check_readers(ledger, versions)
    _check_holds(ledger, versions, rows)
    for node in versions:
        _check_version(node)
    _check_data(ledger, versions)
    _check_books(ledger)
    _check_acyclic(ledger)


def _require(holds: object, what: str) -> None:
    if not holds:
        raise InternalError(what)


def _rows_of(task: TaskNode) -> Iterator[CommutativeRow | ConcurrentRow]:
    yield from (row for _, row in task.rows or ())
    yield from task.concurrent or ()


def _versions(ledger: Ledger) -> Iterator[VersionNode]:
    """All versions that are not released, some of them more than once."""
    found = [datum.newest for datum in ledger.data.values()]
    for datum in ledger.data.values():
        found += _of_row(datum.open_row)
    for task in ledger.tasks.values():
        found += [node for _, node in task.reads]
        found += task.writes
        for row in _rows_of(task):
            found += _of_row(row)
    found += ledger.tickets.values()
    while found:
        node = found.pop()
        if node is not None and node.status is not Status.RELEASED:
            yield node
            found += node.followers or ()


def _of_row(row: CommutativeRow | ConcurrentRow | None) -> list[VersionNode | None]:
    if isinstance(row, CommutativeRow):
        return [row.tail, row.last, *row.unassigned]
    return [] if row is None else [row.base, row.after]


def _check_task(ledger: Ledger, task: TaskNode) -> None:
    title = f"{task.title} ({task.state})"
    live = sum(node.status is not Status.RELEASED for node in task.writes)
    _require(task.live == live, f"{title} counts {task.live} live outputs, has {live}")
    if task.state in ENDED:
        _require(live, f"{title} has ended, has no outputs and is not forgotten")
        _require(not task.reads, f"{title} has ended and reads {task.reads}")
        _require(task.rows is None and task.concurrent is None, f"{title} has ended, is in a row")
        return
    reads = dict.fromkeys(node for _, node in task.reads)
    gone = [node.version.label for node in reads if node.status in {Status.RELEASED, Status.LOST}]
    _require(not gone or ledger.aborted, f"{title} reads {gone}, released or lost")
    if task.rows is None:
        missing = sum(node.status is Status.PENDING for node in reads)
    else:
        missing = sum(node.status is not Status.AVAILABLE for node in reads)
        missing += sum(not row.rooted for _, row in task.rows)
    _require(task.missing == missing, f"{title} counts {task.missing} missing, misses {missing}")
    if task.state is State.WAITING:
        _require(missing, f"{title} waits for nothing")
    else:
        _require(not missing, f"{title} misses {missing} inputs")
    coming = [node for node in reads if node.status is Status.COMING]
    for node in coming:
        sent = node.writer is not None and node.writer.state is State.SENT
        _require(sent, f"{title} reads {node.version.label}, which nobody computes")


def _check_readers(ledger: Ledger, versions: dict[VersionNode, None]) -> None:
    readers: dict[VersionNode, dict[TaskNode, None]] = {node: {} for node in versions}
    for task in ledger.tasks.values():
        for _, node in task.reads:
            readers.setdefault(node, {})[task] = None
    for node, tasks in readers.items():
        _require(
            node.readers.keys() == tasks.keys(),
            f"{node.version.label} keeps {len(node.readers)} readers, has {len(tasks)}",
        )


def _check_holds(
    ledger: Ledger,
    versions: dict[VersionNode, None],
    rows: dict[CommutativeRow | ConcurrentRow, None],
) -> None:
    holds = Counter(ledger.tickets.values())
    for node in versions:
        if node.followers:
            holds[node] += len(node.followers)
    for row in rows:
        if isinstance(row, CommutativeRow):
            holds[row.tail] += bool(row.unchosen)
        elif row.after is not None and row.base is not None:
            holds[row.base] += 1
    for node in versions:
        label = node.version.label
        _require(node.holds == holds[node], f"{label} counts {node.holds} holds, has {holds[node]}")


def _check_version(node: VersionNode) -> None:
    label, writer = node.version.label, node.writer
    _require(not node.is_idle, f"{label} is {node.status} for no reason")
    _require(not node.deferred or node.status is Status.COMING, f"{label} keeps reports back")
    if node.status is Status.COMING:
        sent = writer is not None and writer.state is State.SENT
        _require(sent, f"{label} is coming and nobody makes it")
    elif node.status is Status.PENDING:
        lives = writer is None or writer.state not in {State.SENT, State.FINISHED}
        _require(lives, f"{label} is pending and its writer is {writer and writer.state}")
        _require(
            node.before is not None or node.made_by is not None or writer is not None,
            f"{label} is pending and nobody will ever make it",
        )
    if node.donated:
        lone = len(node.readers) == 1 and not node.holds and not node.shared and not node.is_held
        _require(lone, f"{label} may be changed in place, and others see it")
        (reader,) = node.readers
        _require(reader.state is State.SENT, f"{label} may be changed by {reader.title}, not sent")


def _check_data(ledger: Ledger, versions: dict[VersionNode, None]) -> None:
    alive = Counter(node.datum for node in versions)
    for datum in ledger.data.values():
        found = alive.pop(datum, 0)
        _require(datum.alive == found, f"d{datum.id} counts {datum.alive} versions, has {found}")
        _require(datum.held or found, f"d{datum.id} is kept for no reason")
        numbers = [node.version.number for node in versions if node.datum is datum]
        newest = datum.newest
        _require(
            newest is not None and newest.version.number >= max(numbers, default=0),
            f"the newest version of d{datum.id} is not the newest",
        )
        _require(len(set(numbers)) == len(numbers), f"d{datum.id} has two versions of one number")
    _require(not alive, f"data {[datum.id for datum in alive]} are forgotten, not their versions")


def _check_books(ledger: Ledger) -> None:
    unended = [task for task in ledger.tasks.values() if task.state not in ENDED]
    sent = sum(task.state is State.SENT for task in unended)
    ready = {task.id for task in unended if task.state is State.READY}
    _require(ledger.unfinished == len(unended), f"{len(unended)} tasks, not {ledger.unfinished}")
    _require(ledger.in_flight == sent, f"{sent} tasks in flight, not {ledger.in_flight}")
    _require(sent <= ledger.max_in_flight, f"{sent} tasks in flight, too many")
    _require(ready <= {task for _, task in ledger.ready}, "a ready task is not in the queue")
    _require(not ledger.queue, "steps are left in the queue")
    idle = ready and sent < ledger.max_in_flight and ledger.aborted is None
    _require(not idle, f"tasks {sorted(ready)} are ready and were not sent")
    groups: dict[str, set[TaskNode]] = {}
    for task in unended:
        for group in task.groups:
            groups.setdefault(group, set()).add(task)
    _require({g: set(m) for g, m in ledger.groups.items()} == groups, "the groups are out of date")
    _require(
        all(g in groups or (g is None and unended) for g in ledger.barriers), "a closed barrier"
    )
    if ledger.aborted is not None:
        left = {State.SENT, State.BLOCKED}
        _require(all(task.state in left for task in unended), "a failed run goes on")


def _check_acyclic(ledger: Ledger) -> None:
    done: set[TaskNode] = set()
    for root in ledger.tasks.values():
        path: dict[TaskNode, Iterator[TaskNode]] = {}
        stack = [] if root in done else [root]
        while stack:
            task = stack[-1]
            successors = path.setdefault(task, iter(_predecessors(task)))
            following = next((p for p in successors if p not in done), None)
            if following is None:
                done.add(stack.pop())
                del path[task]
            else:
                _require(following not in path, f"{following.title} waits for itself")
                stack.append(following)


def _predecessors(task: TaskNode) -> list[TaskNode]:
    return [node.writer for _, node in task.reads if node.writer is not None]

"""Versions: which one a task reads, which one it makes, and when nobody can read one any more.

Every write makes a version, so a task never waits for those that read (WAR) or wrote (WAW) what it replaces: only
read-after-write edges are left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dhtask._graph.nodes import (
    AVAILABLE,
    COMING,
    LOST,
    NO_READS,
    PENDING,
    READY,
    RELEASED,
    SENT,
    SETTLED,
    WAITING,
    CommutativeRow,
    ConcurrentRow,
    Datum,
    State,
    Status,
    Stimulus,
    TaskNode,
    VersionNode,
)
from dhtask._model.direction import Direction
from dhtask._model.instructions import Deliver, Release, UseDefault
from dhtask._model.invocation import Access, DatumId, TaskId
from dhtask.errors import InternalError

if TYPE_CHECKING:
    from dhtask._graph.ledger import Ledger

IN, OUT, INOUT = Direction.IN, Direction.OUT, Direction.INOUT
COMMUTATIVE, CONCURRENT = Direction.COMMUTATIVE, Direction.CONCURRENT


class DataTracker:
    """Follows every datum of a ledger from version to version."""

    __slots__ = ("ledger",)

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    # -- what a call does to data

    def attach(self, task: TaskNode, accesses: tuple[Access, ...]) -> None:
        """Give a new task its versions."""
        if len(accesses) > 1 and len({access.datum for access in accesses}) < len(accesses):
            accesses = self._merge(task, accesses)
        for datum, direction, slot in accesses:
            if direction is IN:
                self._read(task, slot, self.newest(datum))
            elif direction is OUT:
                self._replace(self.ledger.data.get(datum) or self._new_datum(datum), task, slot)
            elif direction is INOUT:
                before = self.newest(datum)
                self._read(task, slot, before)
                self._replace(before.datum, task, slot).before = before
            elif direction is COMMUTATIVE:
                self._commute(task, slot, datum)
            else:
                self._run_beside(task, slot, datum)
        if task.rows:
            self._await_values(task)

    def _merge(self, task: TaskNode, accesses: tuple[Access, ...]) -> tuple[Access, ...]:
        """Leave one access to each datum, reading all the same what the others read."""
        by_datum: dict[DatumId, list[Access]] = {}
        for access in accesses:
            by_datum.setdefault(access.datum, []).append(access)
        merged = []
        for datum, group in by_datum.items():
            directions = {access.direction for access in group}
            if len(group) == 1 or directions == {IN}:
                merged += group
            elif directions <= {IN, CONCURRENT}:
                merged += [Access(datum, CONCURRENT, access.slot) for access in group]
            elif directions == {OUT}:
                merged.append(group[0])
            else:
                first = next(access for access in group if access.direction is not IN)
                merged.append(Access(datum, INOUT, first.slot))
                # The same version in every slot: the executor makes them one object, as they were in the call.
                node = self.newest(datum)
                for access in group:
                    if access is not first:
                        self._read(task, access.slot, node)
        return tuple(merged)

    def newest(self, datum: DatumId) -> VersionNode:
        """Give the version that a reader gets now; a row of tasks that was open is closed."""
        found = self.ledger.data.get(datum)
        if found is None or found.newest is None:
            raise InternalError(f"datum {datum} is read before anything was put into it")
        row = found.open_row
        if row is not None:
            self._close(found, row)
        assert found.newest is not None
        return found.newest

    def put(self, datum: DatumId) -> VersionNode:
        """Make the version that the program has content for."""
        node = self._replace(self.ledger.data.get(datum) or self._new_datum(datum), None, "")
        node.status = AVAILABLE
        # Equal contents are stored once, and the program may have the object too.
        node.shared = True
        return node

    def drop(self, datum: DatumId) -> None:
        """Take note that the program can no longer reach the datum."""
        found = self.ledger.data.get(datum)
        if found is not None and found.held:
            found.held = False
            found.open_row = None
            assert found.newest is not None
            self.release_if_idle(found.newest)

    def _new_datum(self, datum: DatumId) -> Datum:
        made = Datum(datum)
        self.ledger.data[datum] = made
        return made

    def _replace(self, datum: Datum, writer: TaskNode | None, slot: str) -> VersionNode:
        old = datum.newest
        node = VersionNode(datum, 1 if old is None else old.version.number + 1, writer, slot)
        datum.newest = node
        datum.alive += 1
        datum.open_row = None
        if writer is not None:
            writer.writes.append(node)
            writer.live += 1
        if old is not None:
            self.release_if_idle(old)
        return node

    def _read(self, task: TaskNode, slot: str, node: VersionNode) -> None:
        if task.reads:
            task.reads.append((slot, node))
        else:
            task.reads = [(slot, node)]
        if task not in node.readers:
            if node.readers:
                node.readers[task] = None
            else:
                node.readers = {task: None}
            if node.status is PENDING:
                task.missing += 1

    # -- rows

    def _commute(self, task: TaskNode, slot: str, datum: DatumId) -> None:
        found = self.ledger.data.get(datum)
        row = None if found is None else found.open_row
        if not isinstance(row, CommutativeRow):
            base = self.newest(datum)
            row = base.row = CommutativeRow(base, parents_of_version(base))
            found = base.datum
        assert found is not None
        if not row.unchosen:
            row.tail.holds += 1
        node = self._place_in_row(found, row)
        row.unassigned.append(node)
        row.unchosen[task] = None
        row.members.append(task.id)
        if task.rows is None:
            task.rows = []
        task.rows.append((slot, row))
        if row.base_cancelled:
            self.cancel_later(task, row.tail.blame)

    def _place_in_row(self, datum: Datum, row: CommutativeRow) -> VersionNode:
        node = self._replace(datum, None, "")
        datum.open_row = row
        node.made_by = row
        row.last = node
        return node

    def _await_values(self, task: TaskNode) -> None:
        """Let a commutative task wait for its other inputs themselves, so that the order follows who is ready."""
        task.missing = sum(not row.rooted for _, row in task.rows or ())
        for node in dict.fromkeys(node for _, node in task.reads):
            if node.status is not AVAILABLE:
                task.missing += 1
                if node.awaiting is None:
                    node.awaiting = []
                node.awaiting.append(task)

    def choose(self, task: TaskNode) -> None:
        """Give a commutative task the next place in each of its rows."""
        for slot, row in task.rows or ():
            tail, node = row.tail, row.unassigned.popleft()
            del row.unchosen[task]
            self._read(task, slot, tail)
            tail.holds -= 1
            node.writer, node.slot, node.before = task, slot, tail
            task.writes.append(node)
            task.live += 1
            row.tail = node
            if row.unchosen:
                node.holds += 1
        task.rows = None

    def _run_beside(self, task: TaskNode, slot: str, datum: DatumId) -> None:
        found = self.ledger.data.get(datum)
        row = None if found is None else found.open_row
        if not isinstance(row, ConcurrentRow):
            base = self.newest(datum)
            row = ConcurrentRow(base, parents_of_version(base))
            base.datum.open_row = row
        assert row.base is not None
        self._read(task, slot, row.base)
        if row.members and row.members[-1] == task.id:
            return
        row.running += 1
        row.members.append(task.id)
        if task.concurrent is None:
            task.concurrent = []
        task.concurrent.append(row)

    def _close(self, datum: Datum, row: CommutativeRow | ConcurrentRow) -> None:
        datum.open_row = None
        if isinstance(row, CommutativeRow):
            if row.cause is not None:
                self.mark_cancelled(row.last, row.cause)
        elif row.running or row.cause is not None or row.lost:
            assert row.base is not None
            row.base.holds += 1
            row.after = self._replace(datum, None, "")
            row.after.made_by = row
            if row.cause is not None:
                self.mark_cancelled(row.after, row.cause)
            self._settle_row(row)

    def leave_rows(self, task: TaskNode) -> None:
        """Take an ended task out of its concurrent rows."""
        for row in task.concurrent or ():
            row.running -= 1
            self._settle_row(row)
        task.concurrent = None

    def _settle_row(self, row: ConcurrentRow) -> None:
        if row.running or row.after is None:
            return
        assert row.base is not None
        base, row.base = row.base, None
        row.after.before = base
        if row.lost:
            row.after.blame = row.cause
            self.settle(row.after, LOST)
        else:
            self.substitute(row.after)
        base.holds -= 1
        self.release_if_idle(base)

    # -- what becomes of versions

    def cover(self, node: VersionNode) -> None:
        """Take note that a submitted task makes the version."""
        node.status = COMING
        if node.readers:
            self._count_down(node)
        if node.row is not None:
            self._root(node.row)

    def uncover(self, node: VersionNode) -> None:
        """Take note that nobody makes the version any more; what was submitted on top of it must come back."""
        if node.status is COMING:
            node.status = PENDING
            node.deferred = None
            for task in node.readers:
                if task.rows is None:
                    task.missing += 1
                    self.ledger.queue.append((task, Stimulus.UNCOVER))

    def _count_down(self, node: VersionNode) -> None:
        for task in node.readers:
            if task.rows is None:
                task.missing -= 1
                if task.missing == 0 and task.state is WAITING:
                    self.ledger.step(task, Stimulus.COVER)

    def _root(self, row: CommutativeRow) -> None:
        if not row.rooted:
            row.rooted = True
            for task in row.unchosen:
                task.missing -= 1
                if task.missing == 0 and task.state is WAITING:
                    self.ledger.step(task, Stimulus.COVER)

    def settle(self, node: VersionNode, status: Status) -> None:
        """Take note that the version exists, or never will, and so do those that take their content from it."""
        self._settle_one(node, status)
        if node.followers is None:
            self.release_if_idle(node)
            return
        stack = [node]
        while stack:
            node = stack.pop()
            followers, node.followers = node.followers or [], None
            for follower in followers:
                follower.blame = follower.blame or node.blame
                if status is AVAILABLE:
                    self._use_default(follower, node)
                self._settle_one(follower, status)
                node.holds -= 1
            self.release_if_idle(node)
            stack.extend(reversed(followers))

    def _settle_one(self, node: VersionNode, status: Status) -> None:
        node.before = None
        if status is LOST:
            self._lose(node)
        else:
            self._arrive(node)

    def _arrive(self, node: VersionNode) -> None:
        pending = node.status is PENDING
        node.status = AVAILABLE
        if pending and node.readers:
            self._count_down(node)
        for task in node.awaiting or ():
            if task.rows is not None:
                task.missing -= 1
                if task.missing == 0 and task.state is WAITING:
                    self.ledger.step(task, Stimulus.COVER)
        node.awaiting = None
        if node.row is not None:
            self._root(node.row)
        if node.deferred is not None:
            self.ledger.deferred.extend(node.deferred)
            node.deferred = None
        self._deliver(node)

    def _lose(self, node: VersionNode) -> None:
        node.status = LOST
        self._deliver(node)
        self._cancel_readers(node)

    def _deliver(self, node: VersionNode) -> None:
        for ticket in node.tickets or ():
            self.ledger.out.append(delivery(ticket, node))
        node.tickets = None

    def substitute(self, node: VersionNode) -> None:
        """Give a version, that no task will make, its default or the content of the version before."""
        source = node.before
        if source is None or source.status is AVAILABLE:
            self._use_default(node, source)
            self.settle(node, AVAILABLE)
        elif source.status is LOST:
            node.blame = node.blame or source.blame
            self.settle(node, LOST)
        else:
            source.holds += 1
            if source.followers is None:
                source.followers = []
            source.followers.append(node)

    def _use_default(self, node: VersionNode, source: VersionNode | None) -> None:
        writer = node.writer
        node.shared = True
        if source is not None:
            source.shared = True
        self.ledger.out.append(
            UseDefault(
                version=node.version,
                source=None if source is None else source.version,
                task=None if writer is None else writer.id,
                slot=node.slot,
                declared=writer is not None and writer.state in {State.IGNORED, State.FAILED},
            )
        )

    def cancel_output(self, node: VersionNode, task: TaskNode) -> None:
        """Cancel what reads an output of a cancelled task: after the whole row, if it is one of a row."""
        row = node.made_by
        if not isinstance(row, CommutativeRow) or row.base_cancelled:
            self.mark_cancelled(node, task)
            return
        row.cause = row.cause or task
        if row.last.datum.open_row is not row:
            self.mark_cancelled(row.last, task)

    def mark_cancelled(self, node: VersionNode, blame: TaskNode) -> None:
        """Cancel whatever reads the version, now or later."""
        stack = [node]
        while stack:
            node = stack.pop()
            if not node.cancelled:
                node.cancelled = True
                node.blame = blame
                self._cancel_readers(node)
                # A cancelled task of a row passes on what it will get; that is cancelled with the row's base.
                stack += node.followers or ()

    def _cancel_readers(self, node: VersionNode) -> None:
        for task in node.readers:
            self.cancel_later(task, node.blame)
        row = node.row
        if row is not None:
            row.base_cancelled = True
            for task in row.unchosen:
                self.cancel_later(task, node.blame)

    def cancel_later(self, task: TaskNode, cause: TaskNode | None) -> None:
        """Queue the cancellation of a task."""
        task.cause = task.cause or cause
        self.ledger.queue.append((task, Stimulus.CANCEL))

    def drop_reads(self, task: TaskNode) -> None:
        """Let go of the inputs of an ended task."""
        reads, task.reads = task.reads, NO_READS
        for _, node in reads:
            if task in node.readers:
                del node.readers[task]
                node.donated = False
                self.release_if_idle(node)

    def release_if_idle(self, node: VersionNode) -> None:
        """Release a version that nobody can read any more."""
        if (
            node.readers
            or node.holds
            or node.status not in SETTLED
            or (node.datum.held and node.datum.newest is node)
        ):
            return
        if node.status is AVAILABLE:
            self.ledger.out.append(Release(node.version))
        node.status = RELEASED
        datum, writer = node.datum, node.writer
        datum.alive -= 1
        if not datum.alive and not datum.held:
            datum.newest = None
            del self.ledger.data[datum.id]
        if writer is not None:
            writer.live -= 1
            if not writer.live:
                self.forget(writer)

    def forget(self, task: TaskNode) -> None:
        """Forget a task that has ended and of which nothing is left."""
        if task.live == 0 and task.state not in UNENDED:
            task.writes = []
            self.ledger.tasks.pop(task.id, None)


UNENDED = frozenset({WAITING, READY, SENT, State.BLOCKED})


def parents_of_version(node: VersionNode) -> tuple[tuple[TaskId, str], ...]:
    """Tasks that a reader of the version follows, each with the label of the version."""
    label = node.version.label
    if node.made_by is not None:
        return tuple((task, label) for task in node.made_by.members)
    return () if node.writer is None else ((node.writer.id, label),)


def delivery(ticket: int, node: VersionNode) -> Deliver:
    """Say what became of a settled version."""
    makers = tuple(dict.fromkeys(task for task, _ in parents_of_version(node)))
    if node.status is LOST:
        return Deliver(ticket, node.version, "lost", chain_of(node), makers)
    if node.cancelled:
        return Deliver(ticket, node.version, "cancelled", chain_of(node), makers)
    return Deliver(ticket, node.version, "available", (), makers)


def chain_of(node: VersionNode) -> tuple[TaskId, ...]:
    """Tasks from the one that should have made the version to the one that is to blame."""
    chain: list[TaskId] = []
    task = node.blame
    while task is not None and (not chain or task.id != chain[-1]):
        chain.append(task.id)
        task = task.cause
    return tuple(chain)

"""Random programs, in random interleavings, give what sequential Python gives; and nothing is left behind."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dhtask._graph import TaskGraph
from dhtask._model.direction import Direction
from dhtask._model.events import (
    BarrierWanted,
    DataReceived,
    DataWanted,
    DatumPut,
    GroupCancelled,
    HandleDropped,
    TaskCalled,
)
from dhtask._model.failure import FailurePolicy
from dhtask._model.invocation import Access, Invocation
from tests.dhtask.graph.model import Chooser, Oracle, World

POLICIES = {
    "fail": FailurePolicy("FAIL"),
    "retry": FailurePolicy("RETRY", attempts=3),
    "retry_ignore": FailurePolicy("RETRY", attempts=2, then="IGNORE"),
    "retry_cancel": FailurePolicy("RETRY", attempts=2, then="CANCEL_SUCCESSORS"),
    "ignore": FailurePolicy("IGNORE"),
    "cancel": FailurePolicy("CANCEL_SUCCESSORS"),
}
GROUPS = ((), (), ("a",), ("a", "b"))
NAMES = ("a", "b")


@dataclass(frozen=True)
class Call:
    accesses: tuple[tuple[int, Direction], ...]
    returns: int
    policy: str
    failing: int
    priority: int
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    what: str
    which: int


def calls(policies: tuple[str, ...]) -> st.SearchStrategy[Call]:
    accesses = st.tuples(st.integers(0, 5), st.sampled_from(Direction))
    return st.builds(
        Call,
        accesses=st.lists(accesses, max_size=4).map(tuple),
        returns=st.integers(0, 2),
        policy=st.sampled_from(policies),
        failing=st.sampled_from((0, 0, 0, 1, 2, 3)),
        priority=st.integers(-1, 1),
        groups=st.sampled_from(GROUPS),
    )


def steps(*, groups: bool) -> st.SearchStrategy[Step]:
    kinds = ["put", "want", "drop", "barrier", "run", "run", "run"] + ["cancel"] * groups
    return st.builds(Step, st.sampled_from(kinds), st.integers(0, 5))


class Program:
    """Plays calls and steps to a world, keeping to what a program can do."""

    def __init__(self, world: World, choose: Chooser) -> None:
        self.world = world
        self.choose = choose
        self.data = [1, 2]
        self.next_datum = 3
        self.next_task = 1
        self.tickets = 0
        self.waits: list[int] = []
        self.barriers: list[int] = []
        for datum in self.data:
            world.tell(DatumPut(datum))

    def play(self, action: Call | Step) -> None:
        if isinstance(action, Call):
            self.call(action)
        elif action.what == "run":
            self.run_some(action.which)
        elif action.what == "cancel":
            self.world.tell(GroupCancelled(NAMES[action.which % 2]))
        elif action.what == "barrier":
            self.barriers.append(self.ticket())
            self.world.tell(BarrierWanted(self.barriers[-1], (None, *NAMES)[action.which % 3]))
        elif self.data:
            self.touch(action.what, self.data[action.which % len(self.data)])

    def ticket(self) -> int:
        self.tickets += 1
        return self.tickets

    def touch(self, what: str, datum: int) -> None:
        if what == "put":
            self.world.tell(DatumPut(datum))
        elif what == "drop":
            self.data.remove(datum)
            self.world.tell(HandleDropped(datum))
        else:
            self.waits.append(self.ticket())
            self.world.tell(DataWanted(self.waits[-1], datum))

    def call(self, action: Call) -> None:
        accesses = []
        for slot, (which, direction) in enumerate(action.accesses):
            if self.data:
                accesses.append(Access(self.data[which % len(self.data)], direction, f"p{slot}"))
        for slot in range(action.returns):
            accesses.append(Access(self.next_datum, Direction.OUT, f"r{slot}"))
            self.data.append(self.next_datum)
            self.next_datum += 1
        task = self.next_task
        self.next_task += 1
        self.world.failing[task] = action.failing
        invocation = Invocation(
            task,
            f"f{task}",
            tuple(accesses),
            failure=POLICIES[action.policy],
            priority=action.priority,
            groups=action.groups,
        )
        self.world.tell(TaskCalled(invocation))

    def run_some(self, count: int) -> None:
        for _ in range(count + 1):
            keys = self.world.runnable()
            moves = len(keys) + len(self.world.outbox)
            if not moves:
                return
            move = self.choose(moves)
            if move < len(keys):
                self.world.execute(keys[move])
            else:
                self.world.report(move - len(keys))

    def end(self) -> None:
        self.world.finish_all(self.choose)
        assert self.world.graph.unfinished == 0
        assert set(self.world.barriers) == set(self.barriers)
        assert set(self.world.delivered) == set(self.waits)
        for ticket in self.waits:
            self.world.tell(DataReceived(ticket))
        for datum in self.data:
            self.world.tell(HandleDropped(datum))


def play(actions: list[Call | Step], tape: list[int], max_in_flight: int) -> World:
    world = World(TaskGraph(max_in_flight=max_in_flight), {})
    program = Program(world, Chooser(tape))
    for action in actions:
        program.play(action)
    program.end()
    return world


def check(world: World) -> None:
    Oracle(world).check()
    assert world.graph.is_empty
    assert not world.store
    again = TaskGraph(max_in_flight=world.graph._ledger.max_in_flight)
    assert [again.handle(event) for event, _ in world.log] == [out for _, out in world.log]


TAPES = st.lists(st.integers(0, 11), max_size=60)
BOUNDS = st.sampled_from((1, 2, 10_000))
MANY = settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def actions(policies: tuple[str, ...], *, groups: bool = False) -> st.SearchStrategy[object]:
    return st.lists(st.one_of(calls(policies), calls(policies), steps(groups=groups)), max_size=25)


@pytest.mark.slow
@given(actions(("retry",)), TAPES, BOUNDS)
@MANY
def test_retries_change_no_value(program: list[Call | Step], tape: list[int], bound: int) -> None:
    calm = [action if isinstance(action, Step) else _calm(action) for action in program]
    world = play(calm, tape, bound)
    assert not world.aborted
    assert {announce.outcome for announce in world.outcomes.values()} <= {"finished"}
    check(world)


def _calm(call: Call) -> Call:
    return Call(
        call.accesses, call.returns, call.policy, call.failing % 3, call.priority, call.groups
    )


@pytest.mark.slow
@given(actions(("retry_ignore", "ignore", "fail")), TAPES, BOUNDS)
@MANY
def test_ignored_failures_leave_the_version_before(
    program: list[Call | Step], tape: list[int], bound: int
) -> None:
    calm = [
        Call(a.accesses, a.returns, a.policy, 0, a.priority, a.groups)
        if isinstance(a, Call) and a.policy == "fail"
        else a
        for a in program
    ]
    world = play(calm, tape, bound)
    assert not world.aborted
    check(world)


@pytest.mark.slow
@given(actions(("retry", "cancel", "retry_cancel", "ignore"), groups=True), TAPES, BOUNDS)
@MANY
def test_cancelled_successors_and_groups_leave_the_version_before(
    program: list[Call | Step], tape: list[int], bound: int
) -> None:
    check(play(program, tape, bound))


@pytest.mark.slow
@given(actions(tuple(POLICIES), groups=True), TAPES, BOUNDS)
@MANY
def test_every_policy_at_once_leaves_nothing_behind(
    program: list[Call | Step], tape: list[int], bound: int
) -> None:
    check(play(program, tape, bound))

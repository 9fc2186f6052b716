"""Who goes first, how many at once, who waits for whom, and what it costs to know."""

from __future__ import annotations

import time

import pytest

from dhtask._graph import Edge, TaskGraph
from dhtask._model.events import BarrierWanted, DatumPut, HandleDropped, TaskFailed, TaskFinished
from dhtask._model.failure import FailurePolicy
from dhtask._model.instructions import OpenBarrier
from tests.dhtask.graph.script import (
    COMMUTATIVE,
    IN,
    INOUT,
    OUT,
    called,
    graph,
    only,
    sent,
    tell,
)


def test_the_bound_keeps_tasks_back_and_priority_then_call_order_lets_them_go() -> None:
    g = graph(max_in_flight=1)
    tell(g, called(1), called(2), called(3, priority=1), called(4, priority=1))
    order = []
    for _ in range(3):
        task = {1: 3, 3: 4, 4: 2}[order[-1] if order else 1]
        order += [t for t, _ in sent(tell(g, TaskFinished(order[-1] if order else 1, 1)))]
        assert order[-1] == task
    assert g.in_flight == 1


def test_a_bound_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="max_in_flight must be at least 1, found 0"):
        TaskGraph(max_in_flight=0)


def test_a_barrier_opens_when_no_task_is_left() -> None:
    g = graph()
    tell(g, called(1), called(2, groups=("g",)))
    assert tell(g, BarrierWanted(1), BarrierWanted(2, "g"), BarrierWanted(3, "other")) == [
        OpenBarrier(3, "other")
    ]
    assert only(OpenBarrier, tell(g, TaskFinished(2, 1))) == [OpenBarrier(2, "g")]
    assert only(OpenBarrier, tell(g, TaskFinished(1, 1))) == [OpenBarrier(1)]


def test_the_picture_shows_tasks_and_read_after_write_edges() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)), called(2, (1, INOUT)), called(3, (1, IN), groups=("g",)))
    picture = g.picture()
    assert [(node.task, node.name, node.state) for node in picture.nodes] == [
        (1, "f1", "sent"),
        (2, "f2", "sent"),
        (3, "f3", "sent"),
    ]
    assert picture.edges == (Edge(1, 2, "d1v1"), Edge(2, 3, "d1v2"))


def test_parents_of_a_commutative_task_are_those_of_its_row() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)), called(2, (1, COMMUTATIVE)), called(3, (1, COMMUTATIVE)))
    tell(g, TaskFinished(1, 1))
    assert g.parents_of(2) == g.parents_of(3) == ((1, "d1v1"),)


def test_it_explains_why_a_task_waits() -> None:
    g = graph(max_in_flight=1)
    tell(g, called(1, (1, OUT)), called(2, (1, INOUT)), called(3, (1, IN)))
    assert g.why_waits(3).splitlines() == [
        "task 3 f3() is waiting",
        "  d1v2 <- task 2 f2() is ready; 1 of at most 1 tasks are in flight",
        "    d1v1 <- task 1 f1() is sent (attempt 1)",
    ]


def test_it_says_how_far_a_datum_is() -> None:
    g = graph(max_in_flight=1)
    tell(g, called(1, (1, OUT), failure=FailurePolicy("CANCEL_SUCCESSORS")), called(2, (2, OUT)))
    assert [g.status_of(datum) for datum in (1, 2, 3)] == ["coming", "pending", "unknown"]
    tell(g, TaskFailed(1, 1, "no"), TaskFinished(2, 1))
    assert [g.status_of(datum) for datum in (1, 2)] == ["cancelled", "available"]


def test_long_chains_do_not_recurse() -> None:
    links = 3000
    g = TaskGraph()
    retry = FailurePolicy("RETRY")
    tell(g, called(1, (1, OUT), failure=retry))
    tell(g, *(called(i, (1, INOUT)) for i in range(2, links)))
    assert len(sent(tell(g, TaskFailed(1, 1, "no")))) == links - 1
    tell(g, TaskFailed(1, 2, "no"), TaskFailed(1, 3, "no"))
    g.validate()
    assert g.unfinished == 0


def _seconds(count: int) -> float:
    g = TaskGraph(max_in_flight=100)
    started = time.process_time()
    g.handle(DatumPut(1))
    for i in range(1, count + 1):
        g.handle(called(i, (1, IN), (i + 1, OUT)))
    for i in range(1, count + 1):
        g.handle(TaskFinished(i, 1))
        g.handle(HandleDropped(i + 1))
    g.handle(HandleDropped(1))
    assert g.is_empty
    return time.process_time() - started


@pytest.mark.slow
def test_an_event_costs_the_same_in_a_large_graph() -> None:
    small = min(_seconds(1000) for _ in range(5)) / 1000
    large = min(_seconds(20_000) for _ in range(2)) / 20_000
    assert large < 5 * small

"""What failures, cancellations and blocked tasks lead to."""

from __future__ import annotations

import pickle

import pytest

from dhtask._model.events import (
    DataWanted,
    DatumPut,
    GroupCancelled,
    TaskBlocked,
    TaskFailed,
    TaskFinished,
)
from dhtask._model.failure import FailurePolicy
from dhtask._model.instructions import Abort, Announce, Deliver, UseDefault
from dhtask._model.invocation import Version
from dhtask.errors import InternalError, InvalidTransitionError
from tests.dhtask.graph.script import (
    COMMUTATIVE,
    IN,
    INOUT,
    OUT,
    called,
    cancelled,
    graph,
    only,
    reads,
    released,
    runs,
    sent,
    tell,
)

RETRY = FailurePolicy("RETRY", attempts=2)
IGNORE = FailurePolicy("IGNORE")
CANCEL = FailurePolicy("CANCEL_SUCCESSORS")


def test_a_retry_reads_the_same_versions_under_a_new_attempt() -> None:
    g = graph()
    first = runs(tell(g, DatumPut(1), called(1, (1, INOUT), failure=RETRY)))[0]
    again = runs(tell(g, TaskFailed(1, 1, "no")))[0]
    assert (again.attempt, again.reads, again.writes) == (2, first.reads, first.writes)


def test_what_was_sent_after_a_failed_attempt_comes_back_and_goes_again() -> None:
    g = graph()
    tell(g, called(1, (1, OUT), failure=RETRY), called(2, (1, INOUT)), called(3, (1, IN)))
    out = tell(g, TaskFailed(1, 1, "no"))
    assert cancelled(out) == [(2, 1), (3, 1)]
    assert sent(out) == [(1, 2), (2, 2), (3, 2)]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_the_order_of_failed_and_blocked_reports_does_not_matter(order: tuple[int, ...]) -> None:
    g = graph()
    tell(g, called(1, (1, OUT), failure=RETRY), called(2, (1, INOUT)), called(3, (1, IN)))
    reports = (TaskFailed(1, 1, "no"), TaskBlocked(2, 1), TaskBlocked(3, 1))
    out = tell(g, *(reports[i] for i in order))
    assert [task for task, _ in sent(out)] == [1, 2, 3]


def test_a_blocked_task_is_not_sent_again_before_the_failure_is_known() -> None:
    g = graph()
    tell(g, called(1, (1, OUT), failure=RETRY), called(2, (1, IN)))
    assert tell(g, TaskBlocked(2, 1)) == []
    assert g.state_of(2) == "blocked"


def test_after_the_last_attempt_the_run_fails() -> None:
    g = graph()
    tell(g, called(1, (1, OUT), failure=RETRY), TaskFailed(1, 1, "first"))
    out = tell(g, TaskFailed(1, 2, "second"))
    assert only(Abort, out) == [Abort(1, "second")]
    assert only(Announce, out) == [Announce(1, "failed")]


def test_a_failed_run_cancels_what_depends_on_it_and_lets_the_rest_end() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)), called(2, (1, IN), (2, OUT)), called(3, (3, OUT)))
    out = tell(g, TaskFailed(1, 1, "no"))
    assert cancelled(out) == [(2, 1)]
    assert only(Announce, out) == [Announce(1, "failed"), Announce(2, "cancelled", 1)]
    assert tell(g, TaskFinished(3, 1)) == [Announce(3, "finished")]


def test_a_failed_run_sends_nothing_more() -> None:
    g = graph(max_in_flight=1)
    tell(g, called(1, (1, OUT)), called(2, (2, OUT)))
    out = tell(g, TaskFailed(1, 1, "no"), called(3, (3, OUT)))
    assert sent(out) == []
    assert g.unfinished == 0


def test_whoever_waits_for_a_lost_version_learns_the_chain_to_the_cause() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)), called(2, (1, INOUT)), called(3, (1, IN), (2, OUT)))
    out = tell(g, DataWanted(1, 2), TaskFailed(1, 1, "no"))
    assert only(Deliver, out) == [Deliver(1, Version(2, 1), "lost", (3, 2, 1), (3,))]


def test_an_ignored_failure_leaves_the_version_before_and_its_successors_run() -> None:
    g = graph()
    tell(
        g, DatumPut(1), called(1, (1, INOUT), (2, OUT), failure=IGNORE), called(2, (1, IN), (2, IN))
    )
    out = tell(g, TaskFailed(1, 1, "no"))
    assert only(UseDefault, out) == [
        UseDefault(Version(1, 2), Version(1, 1), 1, "s0", declared=True),
        UseDefault(Version(2, 1), None, 1, "s1", declared=True),
    ]
    assert only(Announce, out) == [Announce(1, "ignored")]
    assert sent(out) == [(2, 2)]
    assert released(out) == ["d1v1"]


def test_cancelled_successors_keep_the_version_before() -> None:
    g = graph()
    tell(g, DatumPut(1), called(1, (2, OUT), failure=CANCEL), called(2, (2, IN), (1, INOUT)))
    out = tell(g, DataWanted(1, 1), TaskFailed(1, 1, "no"))
    assert only(UseDefault, out) == [
        UseDefault(Version(2, 1), None, 1, "s0", declared=True),
        UseDefault(Version(1, 2), Version(1, 1), 2, "s1", declared=False),
    ]
    assert only(Deliver, out) == [Deliver(1, Version(1, 2), "cancelled", (2, 1), (2,))]
    assert not g.is_aborted


def test_a_task_called_after_the_failure_is_cancelled_as_one_called_before() -> None:
    g = graph()
    tell(g, called(1, (1, OUT), failure=CANCEL), TaskFailed(1, 1, "no"))
    assert only(Announce, tell(g, called(2, (1, IN)))) == [Announce(2, "cancelled", 1)]


def test_a_version_before_that_is_still_being_made_is_waited_for() -> None:
    g = graph()
    tell(
        g, called(1, (1, OUT)), called(2, (2, OUT), failure=CANCEL), called(3, (2, IN), (1, INOUT))
    )
    tell(g, DataWanted(1, 1))
    out = tell(g, TaskFailed(2, 1, "no"))
    assert only(Announce, out) == [Announce(2, "failed"), Announce(3, "cancelled", 2)]
    assert only(Deliver, out) == []
    out = tell(g, TaskFinished(1, 1))
    assert only(UseDefault, out) == [
        UseDefault(Version(1, 2), Version(1, 1), 3, "s1", declared=False)
    ]
    assert only(Deliver, out) == [Deliver(1, Version(1, 2), "cancelled", (3, 2), (3,))]


def test_commutative_tasks_are_no_successors_of_each_other() -> None:
    g = graph()
    tell(g, DatumPut(1), called(1, (1, COMMUTATIVE), failure=CANCEL), called(2, (1, COMMUTATIVE)))
    tell(g, called(3, (1, IN)))
    out = tell(g, TaskFailed(1, 1, "no"))
    assert only(Announce, out) == [Announce(1, "failed"), Announce(3, "cancelled", 1)]
    assert [(run.task, reads(run)) for run in runs(out)] == [(2, ["d1v2"])]


def test_cancelling_a_group_cancels_its_tasks_and_what_reads_their_outputs() -> None:
    g = graph()
    tell(g, called(1, (1, OUT), groups=("g",)), called(2, (2, OUT)), called(3, (1, IN)))
    out = tell(g, GroupCancelled("g"))
    assert cancelled(out) == [(1, 1), (3, 1)]
    assert only(Announce, out) == [Announce(1, "cancelled"), Announce(3, "cancelled", 1)]
    assert g.unfinished == 1


def test_a_report_about_a_cancelled_attempt_is_not_heard() -> None:
    g = graph()
    tell(g, called(1, (1, OUT), groups=("g",)), GroupCancelled("g"))
    assert tell(g, TaskFinished(1, 1)) == []
    assert g.state_of(1) == "cancelled"


def test_outputs_lost_after_the_end_fail_the_run_only_if_somebody_needs_them() -> None:
    g = graph()
    tell(
        g,
        called(1),
        called(2, (1, OUT)),
        called(3, (1, IN)),
        TaskFinished(1, 1),
        TaskFinished(2, 1),
    )
    assert tell(g, TaskFailed(1, 1, "lost")) == []
    out = tell(g, TaskFailed(2, 1, "lost"))
    assert only(Abort, out) == [Abort(2, "lost")]
    assert only(Announce, out) == [Announce(3, "cancelled", 2)]


def test_what_cannot_have_happened_tells_the_story_of_the_task() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)), TaskBlocked(1, 1))
    with pytest.raises(InvalidTransitionError, match="was never submitted") as caught:
        g.handle(TaskFinished(1, 7))
    assert caught.value.story == ("cover when waiting", "send when ready", "block when sent")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_successor_reported_before_its_predecessor_ends_after_it() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)), called(2, (1, IN)))
    assert tell(g, TaskFinished(2, 1)) == []
    assert tell(g, TaskFinished(1, 1)) == [Announce(1, "finished"), Announce(2, "finished")]


def test_a_cancelled_row_base_cancels_those_behind_a_member_cancelled_before() -> None:
    g = graph()
    tell(g, called(1, (1, OUT), failure=CANCEL), called(2, (3, OUT), failure=CANCEL))
    tell(g, called(3, (1, IN), (2, OUT)), called(4, (2, COMMUTATIVE)))
    tell(g, called(5, (2, COMMUTATIVE), (3, IN)))
    out = tell(g, TaskFailed(2, 1, "no"), TaskFailed(1, 1, "no"))
    assert [announce.task for announce in only(Announce, out)] == [2, 5, 1, 3, 4]


def test_a_report_about_a_task_that_was_never_called_is_a_defect() -> None:
    with pytest.raises(InternalError, match="no such task"):
        graph().handle(TaskFinished(1, 1))

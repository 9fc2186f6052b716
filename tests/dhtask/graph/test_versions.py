"""Which versions tasks read and write, when they are released, and who may change one in place."""

from __future__ import annotations

import pytest

from dhtask._model.events import (
    DataReceived,
    DataWanted,
    DatumPut,
    HandleDropped,
    TaskFinished,
)
from dhtask._model.failure import FailurePolicy
from dhtask._model.instructions import Announce, Deliver, Release, Store, Submit, UseDefault
from dhtask._model.invocation import Version
from dhtask.errors import InternalError
from tests.dhtask.graph.script import (
    COMMUTATIVE,
    CONCURRENT,
    IN,
    INOUT,
    OUT,
    called,
    graph,
    only,
    reads,
    released,
    runs,
    sent,
    tell,
    writes,
)


def test_a_call_without_inputs_is_sent_at_once() -> None:
    (submit,) = graph().handle(called(1, (1, OUT)))
    assert isinstance(submit, Submit)
    (run,) = submit.runs
    assert (run.task, run.attempt, run.reads) == (1, 1, ())
    assert run.writes == (("s0", Version(1, 1), False),)


def test_a_chain_is_sent_ahead_of_its_results() -> None:
    out = tell(graph(), called(1, (1, OUT)), called(2, (1, INOUT)), called(3, (1, IN), (2, OUT)))
    assert sent(out) == [(1, 1), (2, 1), (3, 1)]
    assert [(reads(run), writes(run)) for run in runs(out)] == [
        ([], ["d1v1"]),
        (["d1v1"], ["d1v2"]),
        (["d1v2"], ["d2v1"]),
    ]


def test_a_writer_waits_neither_for_readers_nor_for_writers_before_it() -> None:
    g = graph(max_in_flight=1)
    tell(g, DatumPut(1), called(1, (1, IN)), called(2, (1, OUT)), called(3, (1, OUT)))
    assert g.parents_of(2) == g.parents_of(3) == ()


def test_what_the_program_puts_is_stored_under_a_version() -> None:
    assert graph().handle(DatumPut(7)) == [Store(Version(7, 1))]


def test_a_version_replaced_before_anyone_reads_it_is_released() -> None:
    g = graph()
    tell(g, DatumPut(7))
    assert tell(g, DatumPut(7)) == [Release(Version(7, 1)), Store(Version(7, 2))]


def test_an_old_version_lives_until_its_last_reader_ends() -> None:
    g = graph()
    tell(g, DatumPut(1), called(1, (1, IN)), called(2, (1, IN)), called(3, (1, OUT)))
    assert released(tell(g, TaskFinished(3, 1), TaskFinished(1, 1))) == []
    assert released(tell(g, TaskFinished(2, 1))) == ["d1v1"]


def test_a_result_that_nobody_holds_is_released_when_it_comes() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)), HandleDropped(1))
    out = tell(g, TaskFinished(1, 1))
    assert released(out) == ["d1v1"]
    assert g.is_empty


def test_a_dropped_input_is_kept_for_those_who_were_called_before() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)), called(2, (1, IN)), HandleDropped(1))
    assert released(tell(g, TaskFinished(1, 1))) == []
    assert released(tell(g, TaskFinished(2, 1))) == ["d1v1"]


def test_a_lone_reader_of_a_replaced_version_may_change_it_in_place() -> None:
    out = tell(graph(), called(1, (1, OUT)), called(2, (1, INOUT)))
    (read,), (write,) = runs(out)[1].reads, runs(out)[1].writes
    assert read.exclusive
    assert write.in_place


def test_what_was_changed_in_place_is_released_before_any_later_result() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)), called(2, (1, INOUT)), HandleDropped(1), TaskFinished(1, 1))
    assert released(tell(g, TaskFinished(2, 1))) == ["d1v1", "d1v2"]


@pytest.mark.parametrize(
    "events",
    [
        pytest.param((called(1, (1, OUT)), called(2, (1, IN)), called(3, (1, INOUT))), id="reader"),
        pytest.param(
            (called(1, (1, OUT)), DataWanted(1, 1), called(3, (1, INOUT))), id="program waits"
        ),
        pytest.param((DatumPut(1), called(3, (1, INOUT))), id="literal"),
        pytest.param((called(1, (1, OUT)), called(3, (1, IN))), id="held"),
        pytest.param((called(1, (1, OUT)), called(3, (1, INOUT), groups=("g",))), id="group"),
        pytest.param(
            (called(1, (1, OUT)), called(3, (1, INOUT), failure=FailurePolicy("RETRY"))), id="retry"
        ),
    ],
)
def test_nothing_is_changed_in_place_that_somebody_may_still_see(events: tuple) -> None:
    run = runs(tell(graph(), *events))[-1]
    assert run.task == 3
    assert not any(read.exclusive for read in run.reads)
    assert not any(write.in_place for write in run.writes)


def test_a_datum_in_two_slots_is_read_once_and_written_once() -> None:
    out = tell(graph(), DatumPut(1), called(1, (1, IN), (1, INOUT)))
    (run,) = runs(out)
    assert sorted(read.slot for read in run.reads) == ["s0", "s1"]
    assert set(reads(run)) == {"d1v1"}
    assert writes(run) == ["d1v2"]


def test_wanted_data_are_delivered_when_they_come_and_kept_until_received() -> None:
    g = graph()
    tell(g, called(1, (1, OUT)))
    assert tell(g, DataWanted(5, 1), HandleDropped(1)) == []
    out = tell(g, TaskFinished(1, 1))
    assert only(Deliver, out) == [Deliver(5, Version(1, 1), "available", (), (1,))]
    assert released(out) == []
    assert released(tell(g, DataReceived(5))) == ["d1v1"]


def test_reading_what_was_never_written_is_a_defect() -> None:
    with pytest.raises(InternalError, match="datum 4 is read before"):
        graph().handle(called(1, (4, IN)))


# -- rows


def test_commutative_tasks_run_in_the_order_in_which_their_inputs_come() -> None:
    g = graph()
    tell(g, DatumPut(9), called(1, (1, OUT)), called(2, (2, OUT)))
    assert sent(tell(g, called(3, (1, IN), (9, COMMUTATIVE)))) == []
    assert sent(tell(g, called(4, (2, IN), (9, COMMUTATIVE)))) == []
    (late,) = runs(tell(g, TaskFinished(2, 1)))
    (early,) = runs(tell(g, TaskFinished(1, 1)))
    assert (late.task, reads(late), writes(late)) == (4, ["d2v1", "d9v1"], ["d9v2"])
    assert (early.task, reads(early), writes(early)) == (3, ["d1v1", "d9v2"], ["d9v3"])


def test_the_reader_after_commutative_tasks_gets_the_last_version() -> None:
    g = graph()
    tell(g, DatumPut(9), called(1, (1, OUT)), called(2, (1, IN), (9, COMMUTATIVE)))
    tell(g, called(3, (9, COMMUTATIVE)))
    assert sent(tell(g, called(4, (9, IN)))) == []
    assert g.parents_of(4) == ((2, "d9v3"), (3, "d9v3"))
    out = tell(g, TaskFinished(1, 1))
    assert sent(out) == [(2, 1), (4, 1)]
    assert reads(runs(out)[1]) == ["d9v3"]


def test_a_place_is_not_chosen_before_somebody_makes_the_base() -> None:
    # The task that makes the base of one row waits for its own place in the other.
    g = graph(max_in_flight=1)
    tell(g, DatumPut(1), DatumPut(2), called(1))
    tell(
        g,
        called(2, (1, OUT), (2, COMMUTATIVE)),
        called(3, (1, COMMUTATIVE), (2, COMMUTATIVE), priority=9),
    )
    assert sent(tell(g, TaskFinished(1, 1))) == [(2, 1)]
    assert sent(tell(g, TaskFinished(2, 1))) == [(3, 1)]


def test_concurrent_tasks_run_together_and_the_next_waits_for_all() -> None:
    g = graph()
    out = tell(g, DatumPut(1), called(1, (1, CONCURRENT)), called(2, (1, CONCURRENT)))
    assert [reads(run) for run in runs(out)] == [["d1v1"], ["d1v1"]]
    assert sent(tell(g, called(3, (1, IN)))) == []
    assert sent(tell(g, TaskFinished(2, 1))) == []
    out = tell(g, TaskFinished(1, 1))
    assert only(UseDefault, out) == [
        UseDefault(Version(1, 2), Version(1, 1), None, "", declared=False)
    ]
    assert reads(runs(out)[0]) == ["d1v2"]


def test_the_end_of_a_task_is_announced_once() -> None:
    g = graph()
    tell(g, called(1))
    assert tell(g, TaskFinished(1, 1)) == [Announce(1, "finished")]
    assert tell(g, TaskFinished(1, 1)) == []


def test_whoever_waits_after_commutative_tasks_waits_for_all_of_them() -> None:
    g = graph()
    tell(g, DatumPut(1), called(1, (1, COMMUTATIVE)), called(2, (1, COMMUTATIVE)), DataWanted(5, 1))
    (delivered,) = only(Deliver, tell(g, TaskFinished(1, 1), TaskFinished(2, 1)))
    assert delivered.makers == (1, 2)


def test_a_task_that_was_not_called_is_not_said_to_have_ended() -> None:
    g = graph()
    tell(g, called(1), TaskFinished(1, 1))
    assert (g.state_of(1), g.state_of(2)) == ("forgotten", "unknown")

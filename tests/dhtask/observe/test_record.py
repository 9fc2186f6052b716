"""The record of a run."""

from __future__ import annotations

import json
import pickle

import pytest

from dhtask._model.observation import RunOpened, TaskCalled, TaskEnded, TaskRan, TaskSent
from dhtask.errors import DhtaskError
from dhtask.observe import Recorder, RecordFormatError, RunRecord
from tests.dhtask.observe.runs import RUNS, small


@pytest.mark.parametrize("name", ["empty", "small", "training"])
def test_a_record_survives_json(name: str) -> None:
    record = RUNS[name]()
    assert RunRecord.from_json(record.to_json()) == record


def test_tasks_are_recorded_in_the_order_of_their_calls() -> None:
    record = small()
    assert [task.task for task in record.tasks] == list(range(1, 18))


def test_a_synchronisation_knows_how_many_tasks_were_called_before() -> None:
    assert [item.position for item in small().synchronisations] == [11, 17]


def test_a_task_that_ran_twice_keeps_both_runs() -> None:
    recorder = Recorder()
    recorder.observe(RunOpened(0.0, "dask", 1, 1))
    recorder.observe(TaskCalled(1, "flaky", 0.0, (), ()))
    for attempt in (1, 2):
        recorder.observe(TaskSent(1, attempt, float(attempt)))
        start, stop = attempt + 0.25, attempt + 0.5
        recorder.observe(TaskRan(1, attempt, "w", start, stop, 0, 8, attempt == 2))
    recorder.observe(TaskEnded(1, "finished", 3.0))
    (task,) = recorder.record().tasks
    assert [(run.attempt, run.seconds, run.succeeded) for run in task.runs] == [
        (1, 0.25, False),
        (2, 0.25, True),
    ]
    assert task.sent == 1.0


def test_a_measurement_that_comes_after_the_end_is_kept() -> None:
    recorder = Recorder()
    recorder.observe(TaskCalled(1, "f", 0.0, (), ()))
    recorder.observe(TaskEnded(1, "finished", 3.0))
    recorder.observe(TaskRan(1, 1, "w", 1.0, 2.0, 0, 0, succeeded=True))
    assert len(recorder.record().tasks[0].runs) == 1


def test_a_record_of_a_run_that_goes_on_tells_what_is_known() -> None:
    recorder = Recorder()
    recorder.observe(TaskCalled(1, "f", 0.0, (), ()))
    record = recorder.record()
    assert (record.closed, record.tasks[0].outcome, record.tasks[0].runs) == (None, None, ())


def test_later_observations_do_not_change_a_record() -> None:
    recorder = Recorder()
    recorder.observe(TaskCalled(1, "f", 0.0, (), ()))
    record = recorder.record()
    recorder.observe(TaskCalled(2, "g", 0.0, ((1, "d1v1"),), ()))
    assert len(record.tasks) == 1


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    recorder = Recorder()
    recorder.observe(TaskCalled(1, "f", 0.0, (), ()))
    recorder.observe(TaskRan(1, 1, "w", 5.0, 4.0, 0, 0, succeeded=True))
    assert recorder.record().tasks[0].runs[0].seconds == 0.0


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"format": "dhtask-run/99"}'])
def test_a_text_that_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(RecordFormatError, match="run record") as caught:
        RunRecord.from_json(text)
    assert isinstance(caught.value, DhtaskError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_record_that_lacks_a_field_is_refused_by_its_name() -> None:
    data = json.loads(small().to_json())
    del data["tasks"][3]["parents"]
    with pytest.raises(RecordFormatError, match="parents"):
        RunRecord.from_json(json.dumps(data))

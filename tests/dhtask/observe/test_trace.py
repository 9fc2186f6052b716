"""Trace events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from dhtask._model.observation import RunOpened, TaskCalled, TaskRan
from dhtask.observe import Recorder, trace_json
from tests.dhtask.observe.runs import OPENED, RUNS, small, training

Event = dict[str, Any]


def events(text: str, phase: str) -> list[Event]:
    return [event for event in json.loads(text)["traceEvents"] if event["ph"] == phase]


def slices(text: str) -> Iterator[list[Event]]:
    """Complete events of each track in order."""
    complete = events(text, "X")
    for track in {event["tid"] for event in complete}:
        yield sorted((e for e in complete if e["tid"] == track), key=lambda e: (e["ts"], e["dur"]))


def test_every_run_of_a_task_is_a_slice_with_its_interval() -> None:
    record = small()
    found = {
        event["args"]["task"]: (event["ts"], event["dur"])
        for event in events(trace_json(record), "X")
        if event["cat"] == "task"
    }
    expected = {
        task.task: ((run.start - OPENED) * 1e6, run.seconds * 1e6)
        for task in record.tasks
        for run in task.runs
    }
    assert found.keys() == expected.keys()
    for task, interval in expected.items():
        assert found[task] == pytest.approx(interval, abs=0.5)


@pytest.mark.parametrize("name", ["empty", "small", "training"])
def test_slices_of_a_track_do_not_overlap(name: str) -> None:
    for track in slices(trace_json(RUNS[name]())):
        for one, other in pairwise(track):
            assert one["ts"] + one["dur"] <= other["ts"] + 1.0


def test_a_worker_that_runs_two_tasks_at_once_has_two_tracks() -> None:
    recorder = Recorder()
    recorder.observe(RunOpened(0.0, "dask", 1, 2))
    for task in (1, 2):
        recorder.observe(TaskCalled(task, "f", 0.0, (), ()))
        recorder.observe(TaskRan(task, 1, "tcp://a:1", 1.0, 2.0 + task, 0, 0, succeeded=True))
    text = trace_json(recorder.record())
    names = [e["args"]["name"] for e in events(text, "M") if e["name"] == "thread_name"]
    assert names == ["program", "a:1", "a:1 #2"]
    assert len({event["tid"] for event in events(text, "X")}) == 2


def test_every_dependency_is_an_arrow_between_the_slices_of_its_tasks() -> None:
    record = training(epochs=1, steps=3)
    text = trace_json(record)
    starts = {event["id"]: event for event in events(text, "s")}
    ends = {event["id"]: event for event in events(text, "f")}
    assert starts.keys() == ends.keys()
    assert len(starts) == sum(len(task.parents) for task in record.tasks)
    by_track = {track[0]["tid"]: track for track in slices(text)}
    found = set()
    for number, start in starts.items():
        pair = [
            next(
                slice_["args"]["task"]
                for slice_ in by_track[event["tid"]]
                if slice_["ts"] <= event["ts"] <= slice_["ts"] + slice_["dur"]
            )
            for event in (start, ends[number])
        ]
        found.add(tuple(pair))
    assert found == {(parent.task, task.task) for task in record.tasks for parent in task.parents}


def test_the_counter_of_running_tasks_starts_and_ends_at_none() -> None:
    counts = [event["args"]["running"] for event in events(trace_json(training()), "C")]
    assert counts[-1] == 0
    assert min(counts) == 0
    assert max(counts) == 4


def test_synchronisations_are_slices_of_the_program() -> None:
    pauses = [e for e in events(trace_json(small()), "X") if e["cat"] == "synchronisation"]
    assert [event["name"] for event in pauses] == ["wait_on", "barrier"]


def test_a_worker_whose_clock_is_behind_moves_the_origin() -> None:
    recorder = Recorder()
    recorder.observe(RunOpened(100.0, "dask", 1, 1))
    recorder.observe(TaskCalled(1, "f", 101.0, (), ()))
    recorder.observe(TaskRan(1, 1, "w", 99.0, 99.5, 0, 0, succeeded=True))
    assert [event["ts"] for event in events(trace_json(recorder.record()), "X")] == [0.0]

"""Those who watch hear everything, in order, and cannot break the run."""

from __future__ import annotations

from typing import Any

import pytest

import dhtask
from dhtask import wait_on
from dhtask._model.observation import (
    Observation,
    RunClosed,
    RunOpened,
    Synchronised,
    TaskEnded,
    TaskRan,
)
from tests.conformance import programs as p


class Recorder:
    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def observe(self, observation: Observation, /) -> None:
        self.seen.append(observation)

    def of(self, kind: type[Any]) -> list[Any]:
        return [o for o in self.seen if type(o) is kind]


def test_a_run_opens_and_closes() -> None:
    recorder = Recorder()
    with dhtask.Runtime(executor="inline", observers=[recorder]):
        assert wait_on(p.ignored(1)) == -1
    assert isinstance(recorder.seen[0], RunOpened)
    assert isinstance(recorder.seen[-1], RunClosed)
    (ended,) = recorder.of(TaskEnded)
    assert (ended.outcome, ended.error) == ("ignored", "ValueError: 1")
    assert [r.succeeded for r in recorder.of(TaskRan)] == [False]


def test_an_observer_that_raises_is_told_nothing_more() -> None:
    class Broken:
        def observe(self, observation: Observation, /) -> None:
            raise KeyError(type(observation).__name__)

    with (
        pytest.warns(RuntimeWarning, match="told nothing more"),
        dhtask.Runtime(executor="inline", observers=[Broken()]),
    ):
        assert wait_on(p.add(1, 1)) == 2


def test_a_wait_tells_which_tasks_it_waited_for() -> None:
    recorder = Recorder()
    with dhtask.Runtime(executor="inline", observers=[recorder]):
        first, second = p.add(1, 1), p.add(2, 2)
        assert wait_on(p.add(first, 1)) == 3
        with dhtask.TaskGroup("group"):
            third = p.add(second, 3)
        dhtask.barrier()
        assert wait_on(third) == 7
    told = [(o.call, o.tasks) for o in recorder.of(Synchronised)]
    assert told == [
        ("wait_on", (3,)),
        ("barrier_group", (4,)),
        ("barrier", ()),
        ("wait_on", (4,)),
        ("stop", ()),
    ]

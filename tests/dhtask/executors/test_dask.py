"""What only a cluster can show."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dhtask
from dhtask import wait_on
from dhtask._executors.dask import DaskExecutor
from dhtask._model.observation import (
    Observation,
    Synchronised,
    TaskCalled,
    TaskEnded,
    TaskRan,
    TaskSent,
)
from dhtask.errors import ConstraintError, SerialisationError, WaitTimeoutError
from tests.conformance import programs as p

pytestmark = pytest.mark.slow


class Recorder:
    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def observe(self, observation: Observation, /) -> None:
        self.seen.append(observation)

    def of(self, kind: type[Any]) -> list[Any]:
        return [o for o in self.seen if type(o) is kind]


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
def runtime(recorder: Recorder) -> Iterator[dhtask.Runtime]:
    runtime = dhtask.Runtime(workers=1, threads_per_worker=2, observers=[recorder]).open()
    try:
        yield runtime
    finally:
        runtime.close()


@dhtask.constraint(computing_units=2)
@dhtask.task
def wide(x: int) -> int:
    return x + 1


@dhtask.constraint(computing_units=3)
@dhtask.task
def too_wide(x: int) -> int:
    return x


def executor_of(runtime: dhtask.Runtime) -> DaskExecutor:
    executor = runtime._executor
    assert isinstance(executor, DaskExecutor)
    return executor


def test_tasks_run_in_another_process(runtime: dhtask.Runtime) -> None:
    assert wait_on(p.process_id()) != os.getpid()


def test_computing_units_are_threads_of_a_worker(runtime: dhtask.Runtime) -> None:
    assert wait_on([wide(p.add(n, 0)) for n in range(4)]) == [1, 2, 3, 4]
    with pytest.raises(ConstraintError, match=r"computing_units=3.*offer each: computing_units=2"):
        too_wide(1)


def test_a_large_input_is_stored_once_however_often_it_is_passed(runtime: dhtask.Runtime) -> None:
    array = np.arange(50_000.0)
    executor = executor_of(runtime)
    before = sum(key.startswith("data-") for key in _keys(executor))
    sums = [p.total(array) for _ in range(10)]
    sums += [p.total(array.copy()) for _ in range(10)]
    assert set(wait_on(sums)) == {array.sum()}
    assert sum(key.startswith("data-") for key in _keys(executor)) == before + 1


def _keys(executor: DaskExecutor) -> list[str]:
    return [handle.key for handle in executor._futures.values()]


def _kept_at_rest(runtime: dhtask.Runtime) -> int:
    """Versions that the executor keeps, once everything that was said before has been heard."""
    dhtask.barrier()
    assert wait_on(p.same(0)) == 0
    return len(executor_of(runtime)._futures)


def test_nothing_is_kept_that_the_program_cannot_reach(runtime: dhtask.Runtime) -> None:
    before = _kept_at_rest(runtime)
    values = [0]
    for number in range(20):
        p.append(values, p.add(number, 1))
    left, right = p.halves([1, 2])
    assert wait_on(values)[-1] == 20
    del left, right
    assert _kept_at_rest(runtime) == before
    assert executor_of(runtime)._running == {}


def test_keys_are_readable(runtime: dhtask.Runtime) -> None:
    future = p.add(1, 2)
    counter = p.Counter(1)
    counter.increase(1)
    dhtask.barrier()
    keys = _keys(executor_of(runtime))
    assert any(key.startswith("add-t") for key in keys)
    assert any(key.startswith("Counter.increase-t") for key in keys)
    assert wait_on(future) == 3


def test_priorities_reach_dask_in_any_mixture(runtime: dhtask.Runtime) -> None:
    urgent = dhtask.task(priority=5)(lambda x: x + 1)
    value: Any = 0
    for number in range(10):
        value = urgent(value) if number % 2 else p.add(value, 1)
    assert wait_on(value) == 10


def test_observers_hear_of_every_task_in_order(runtime: dhtask.Runtime, recorder: Recorder) -> None:
    recorder.seen.clear()
    one = p.add(1, 1)
    two = p.add(one, 1)
    assert wait_on(two) == 3
    dhtask.barrier()
    while len(recorder.of(TaskRan)) < 2:
        wait_on(p.same(0))
    called = recorder.of(TaskCalled)
    assert [c.name for c in called[:2]] == ["add", "add"]
    assert [parent for parent, _label in called[1].parents] == [called[0].task]
    assert {s.task for s in recorder.of(TaskSent)} >= {c.task for c in called[:2]}
    ended = {e.task: e.outcome for e in recorder.of(TaskEnded)}
    assert ended[called[0].task] == ended[called[1].task] == "finished"
    ran = recorder.of(TaskRan)[0]
    assert ran.succeeded
    assert ran.start <= ran.stop
    assert ran.worker.startswith("tcp://")
    assert recorder.of(Synchronised)[0].call == "wait_on"


def test_waiting_can_have_an_end(runtime: dhtask.Runtime) -> None:
    future = p.sleep(1.0)
    with pytest.raises(WaitTimeoutError, match=r"waited 0\.1 s"):
        wait_on(future, timeout=0.1)
    with pytest.raises(WaitTimeoutError):
        dhtask.barrier(timeout=0.1)
    assert wait_on(future, timeout=30) == 1.0


def test_a_cancelled_group_does_not_run_what_has_not_begun(runtime: dhtask.Runtime) -> None:
    with dhtask.TaskGroup("sleepers", implicit_barrier=False):
        futures = [p.sleep(0.3) for _ in range(200)]
    later = p.add(futures[-1], 1)
    dhtask.cancel_group("sleepers")
    assert wait_on(p.add(1, 1), timeout=20) == 2
    assert wait_on(later) is None
    dhtask.barrier(timeout=20)


def test_a_result_that_does_not_pickle_is_an_error(runtime: dhtask.Runtime) -> None:
    with pytest.raises(SerialisationError, match="lock"):
        wait_on(p.lock())


@dhtask.constraint(computing_units=2)
@dhtask.task
def moment() -> int:
    return time.monotonic_ns()


def test_tasks_begin_in_the_order_of_their_calls(runtime: dhtask.Runtime) -> None:
    moments = wait_on([moment() for _ in range(25)])
    assert moments == sorted(moments)

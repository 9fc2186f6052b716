"""Workers die: what they held is made again, and a task that always kills its worker is named."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

import dhtask
from dhtask import barrier, wait_on
from dhtask._executors.dask import DaskExecutor
from dhtask.errors import ClusterError, WorkerKilledError
from dhtask.testing import FakeExecutor
from tests.conformance import programs as p

pytestmark = pytest.mark.slow


@pytest.fixture
def embedded() -> Iterator[dhtask.Runtime]:
    """A cluster of its own, whose workers may be killed."""
    runtime = dhtask.Runtime(workers=2).open()
    try:
        yield runtime
    finally:
        runtime.close()


def test_a_worker_killed_while_it_runs_a_task_costs_nothing_but_time(
    embedded: dhtask.Runtime, tmp_path: Path
) -> None:
    before = [p.add(n, n) for n in range(10)]
    died = p.die(str(tmp_path / "marker"))
    after = p.total([*before, died])
    assert wait_on(after) == 90 + 5


def test_results_in_a_dead_worker_are_made_again(embedded: dhtask.Runtime) -> None:
    values = p.same([0])
    for number in range(5):
        p.append(values, number)
    array = p.same(np.ones(100_000))
    p.scale(array, 3.0)
    sizes = [p.add(p.total(values), n) for n in range(4)]
    barrier()
    worker = wait_on(p.process_id())
    dead = psutil.Process(worker)
    dead.kill()
    psutil.wait_procs([dead], timeout=10)
    p.append(values, 7)
    p.scale(array, 2.0)
    assert wait_on(values) == [0, 0, 1, 2, 3, 4, 7]
    assert wait_on(array).sum() == 600_000
    assert wait_on(sizes) == [10, 11, 12, 13]


def test_every_worker_may_die(embedded: dhtask.Runtime) -> None:
    values = p.same([1])
    p.append(values, 2)
    barrier()
    workers = {wait_on(p.process_id()) for _ in range(20)}
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    p.append(values, 3)
    assert wait_on(values) == [1, 2, 3]


def test_what_was_read_from_old_versions_of_files_is_made_again(
    embedded: dhtask.Runtime, tmp_path: Path
) -> None:
    path = str(tmp_path / "text.txt")
    p.write(path, "1")
    lengths = []
    for number in range(4):
        lengths.append(p.times(p.add(p.same(0), p.read_length(path)), number))
        p.extend(path, "+")
    barrier()
    workers = {wait_on(p.process_id()) for _ in range(20)}
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    p.extend(path, "!")
    assert wait_on(lengths) == [1, 3, 5, 7]
    assert wait_on(p.read(path)) == "1++++!"


def test_a_cluster_that_goes_away_is_an_error(embedded: dhtask.Runtime) -> None:
    future = p.sleep(30)
    executor = embedded._executor
    assert isinstance(executor, DaskExecutor)
    assert executor._cluster is not None
    cluster = psutil.Process(executor._cluster._process.pid)
    for process in [*cluster.children(recursive=True), cluster]:
        process.kill()
    with pytest.raises(ClusterError):
        wait_on(future)


def test_a_task_that_always_kills_its_worker_is_named(embedded: dhtask.Runtime) -> None:
    needed = p.add(p.die(""), 1)
    with pytest.raises(WorkerKilledError, match=r"task 1 die killed 4 workers") as caught:
        wait_on(needed)
    assert (caught.value.task, caught.value.name) == (1, "die")


def test_the_fake_executor_can_kill_workers() -> None:
    fake = FakeExecutor()
    fake.kill_worker_of(1)
    with dhtask.Runtime(executor=fake), pytest.raises(WorkerKilledError):
        wait_on(p.add(p.add(1, 1), 1))

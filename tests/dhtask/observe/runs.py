"""Runs for the tests: a list scheduler that pretends to be a cluster, with a clock of its own."""

from __future__ import annotations

import random
from collections.abc import Sequence

from dhtask._model.observation import (
    Outcome,
    RunClosed,
    RunOpened,
    Synchronised,
    TaskCalled,
    TaskEnded,
    TaskRan,
    TaskSent,
)
from dhtask.observe import Recorder, RunRecord

OPENED = 1_700_000_000.0


class Scenario:
    """Writes the observations that a run on some workers would make."""

    def __init__(self, workers: int = 4, *, seed: int = 0) -> None:
        self.recorder = Recorder()
        self.tasks = 0
        self.moment = OPENED
        self.free = [OPENED] * workers
        self.ends: dict[int, float] = {}
        self.draw = random.Random(seed)
        self.recorder.observe(RunOpened(OPENED, "dask", workers, workers))

    def call(
        self,
        name: str,
        parents: Sequence[int] = (),
        *,
        groups: Sequence[str] = (),
        seconds: float = 0.125,
        outcome: Outcome = "finished",
    ) -> int:
        self.tasks += 1
        task = self.tasks
        self.moment += 0.001
        labels = tuple((parent, f"d{parent}v1") for parent in parents)
        self.recorder.observe(TaskCalled(task, name, self.moment, labels, tuple(groups)))
        ready = max([self.moment, *(self.ends[parent] for parent in parents)])
        if outcome == "cancelled":
            self.ends[task] = ready
        else:
            self.recorder.observe(TaskSent(task, 1, self.moment))
            worker = min(range(len(self.free)), key=lambda place: max(self.free[place], ready))
            start = max(self.free[worker], ready) + 0.0005
            stop = start + seconds * self.draw.uniform(0.7, 1.4)
            self.free[worker] = self.ends[task] = stop
            succeeded = outcome == "finished"
            name_of_worker = f"tcp://127.0.0.1:{40000 + worker}"
            self.recorder.observe(
                TaskRan(task, 1, name_of_worker, start, stop, 1000 * len(parents), 5000, succeeded)
            )
        error = "" if outcome == "finished" else "ValueError: <no & classes>"
        self.recorder.observe(TaskEnded(task, outcome, self.ends[task], error))
        return task

    def merge(self, tasks: Sequence[int], **details: Sequence[str]) -> int:
        level = list(tasks)
        while len(level) > 1:
            pairs = [level[start : start + 2] for start in range(0, len(level), 2)]
            level = [
                self.call("merge", pair, seconds=0.02, groups=details.get("groups", ()))
                if len(pair) == 2
                else pair[0]
                for pair in pairs
            ]
        return level[0]

    def wait(self, tasks: Sequence[int], call: str = "wait_on") -> None:
        start = self.moment
        self.moment = max([start, *(self.ends[task] for task in tasks)]) + 0.001
        self.recorder.observe(Synchronised(call, tuple(tasks), start, self.moment))

    def close(self) -> RunRecord:
        self.recorder.observe(RunClosed(max([self.moment, *self.ends.values()]) + 0.01))
        return self.recorder.record()


def empty() -> RunRecord:
    return Scenario(1).close()


def small() -> RunRecord:
    """Seventeen tasks, two synchronisations, one failure and what it cancelled."""
    run = Scenario(2)
    images = [run.call("load") for _ in range(4)]
    normal = [run.call("Image.normalise", [image]) for image in images]
    run.wait([run.merge(normal)])
    scores = [run.call("main.<locals>.evaluate", [x], groups=["validation"]) for x in normal]
    report = run.call("report", scores, outcome="failed")
    run.call("upload", [report], outcome="cancelled")
    run.wait([report], "barrier")
    return run.close()


def wide(tasks: int = 10_000) -> RunRecord:
    """Map and reduce: so many tasks in all, or one fewer."""
    run = Scenario(8)
    images = [run.call("load", seconds=0.01) for _ in range(tasks // 3)]
    gradients = [run.call("gradient", [image], seconds=0.01) for image in images]
    run.wait([run.merge(gradients)])
    return run.close()


def training(partitions: int = 4, epochs: int = 3, steps: int = 20) -> RunRecord:
    """Data-parallel training: steps that read the step before, an evaluation after each epoch."""
    run = Scenario(partitions)
    shards = [run.call("preprocess", seconds=1.0) for _ in range(partitions)]
    state: list[int] = []
    for epoch in range(epochs):
        group = [f"epoch {epoch + 1}"]
        replicas = [run.call("restore", state, groups=group) for _ in shards]
        merged: list[int] = []
        for _ in range(steps):
            replicas = [
                run.call("gradient", [replica, shard, *merged], groups=group)
                for replica, shard in zip(replicas, shards, strict=True)
            ]
            merged = [run.merge(replicas, groups=group)]
        state = [run.call("snapshot", [replicas[0], *merged], groups=group)]
        run.wait([run.call("evaluate", [*state, shard], groups=group) for shard in shards])
    return run.close()


def chain(tasks: int = 10_000) -> RunRecord:
    run = Scenario(1)
    last: list[int] = []
    for _ in range(tasks):
        last = [run.call("increment", last, seconds=0.0001)]
    run.wait(last)
    return run.close()


def many_functions(functions: int = 400) -> RunRecord:
    run = Scenario(4)
    tasks: list[int] = []
    for number in range(functions):
        parents = sorted({run.draw.choice(tasks) for _ in range(min(2, len(tasks)))})
        tasks.append(run.call(f"function_{number}", parents))
    run.wait(tasks, "barrier")
    return run.close()


RUNS = {
    "empty": empty,
    "small": small,
    "wide": wide,
    "training": training,
    "chain": chain,
    "many functions": many_functions,
}

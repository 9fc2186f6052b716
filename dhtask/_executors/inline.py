"""The reference: every task runs at once, in the thread that submits it."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from dhtask._executors.base import Executor, Job, Offer, Sink, cannot_come_home
from dhtask._executors.isolation import copy_value
from dhtask._executors.portable import loads
from dhtask._executors.remote import Measured, RemoteFailure, execute
from dhtask._model.events import TaskBlocked, TaskFailed, TaskFinished
from dhtask._model.invocation import TaskId, Version
from dhtask._model.observation import TaskRan


class InlineExecutor(Executor):
    """Runs every task at once, in the thread that submits it, with the isolation of a cluster."""

    name: ClassVar[str] = "inline"
    runs_in_caller: ClassVar[bool] = True

    def __init__(self) -> None:
        self._values: dict[Version, Any] = {}
        self._sink: Sink = lambda _report: None

    def open(self, sink: Sink) -> None:
        self._sink = sink

    def submit(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._run(job)

    def _run(self, job: Job) -> None:
        run = job.run
        if any(read.version not in self._values for read in run.reads):
            self._sink(TaskBlocked(run.task, run.attempt))
            return
        inputs = [self._values[read.version] for read in run.reads]
        measured = Measured(inputs if job.work.is_watched else ())
        try:
            outputs = execute(job.work, run, inputs)
        except RemoteFailure as failure:
            self._tell(job, measured, succeeded=False)
            self._sink(TaskFailed(run.task, run.attempt, failure))
            return
        measured.finish(outputs if job.work.is_watched else ())
        for write, value in zip(run.writes, outputs, strict=True):
            self._values[write.version] = value
        self._tell(job, measured, succeeded=True)
        self._sink(TaskFinished(run.task, run.attempt))

    def _tell(self, job: Job, measured: Measured, *, succeeded: bool) -> None:
        if not job.work.is_watched:
            return
        stop = measured.stop if succeeded else time.time()
        self._sink(
            TaskRan(
                job.run.task,
                job.run.attempt,
                "inline",
                measured.start,
                stop,
                measured.bytes_in,
                measured.bytes_out,
                succeeded,
            )
        )

    def put(self, version: Version, data: bytes) -> None:
        self._values[version] = loads(data)

    def copy(self, source: Version, version: Version) -> None:
        self._values[version] = copy_value(self._values[source])

    def fetch(self, versions: Sequence[Version]) -> list[Any]:
        try:
            return [copy_value(self._values[version]) for version in versions]
        except (TypeError, pickle.PicklingError, AttributeError) as error:
            raise cannot_come_home(error) from None

    def release(self, versions: Sequence[Version]) -> None:
        for version in versions:
            self._values.pop(version, None)

    def cancel(self, task: TaskId, attempt: int) -> None:
        """Nothing to do: whatever was submitted has run."""

    def offers(self) -> list[Offer]:
        return [Offer("inline", os.cpu_count() or 1, None)]

    def close(self) -> None:
        self._values.clear()

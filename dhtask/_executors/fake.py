"""An executor for tests: tasks run one at a time, in whatever order the test chooses."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import ClassVar

from dhtask._executors.base import Job
from dhtask._executors.inline import InlineExecutor
from dhtask._model.events import TaskBlocked, TaskFailed
from dhtask._model.invocation import TaskId, Version
from dhtask.errors import WorkerKilledError

#: Given the names of the tasks that could run now, the position of the one that does.
Choice = Callable[[Sequence[str]], int]


class FakeExecutor(InlineExecutor):
    """Runs tasks in the program's process, one at a time, in an order that the test chooses.

    Nothing runs until the program waits (or `run_next` is called): then one of the tasks whose inputs exist is
    chosen, again and again. The same seed gives the same order.

    Args:
        seed: of the random choice.
        choose: chooses instead; gets the names of the tasks that could run and gives a position.

    Example:
        >>> import dhtask
        >>> from dhtask.testing import FakeExecutor
        >>> @dhtask.task
        ... def name(x: str) -> str:
        ...     return x
        >>> last_first = FakeExecutor(choose=lambda names: len(names) - 1)
        >>> with dhtask.Runtime(executor=last_first):
        ...     dhtask.wait_on([name("a"), name("b")])
        ['a', 'b']
        >>> last_first.history
        ['name#2', 'name#1']
    """

    name: ClassVar[str] = "fake"

    def __init__(self, seed: int = 0, choose: Choice | None = None) -> None:
        super().__init__()
        generator = random.Random(seed)
        self._choose = choose or (lambda names: generator.randrange(len(names)))
        self._pending: list[Job] = []
        self._dead: set[Version] = set()
        self._to_kill: set[TaskId] = set()
        #: The tasks that ran, as ``name#number``, in order.
        self.history: list[str] = []

    def submit(self, jobs: Sequence[Job]) -> None:
        """Keep the jobs until they are chosen."""
        for job in jobs:
            self._dead.difference_update(write.version for write in job.run.writes)
            self._pending.append(job)
        self._report_blocked()

    def kill_worker_of(self, task: TaskId) -> None:
        """Let the worker die for good when it comes to this task."""
        self._to_kill.add(task)

    @property
    def pending(self) -> list[str]:
        """The tasks that were submitted and have not run, as ``name#number``."""
        return [_label(job) for job in self._pending]

    def advance(self) -> bool:
        """Run one task of those that could run."""
        return self.run_next()

    def run_next(self) -> bool:
        """Choose a task and run it; False when none could run."""
        ready = [
            job
            for job in self._pending
            if all(read.version in self._values for read in job.run.reads)
        ]
        if not ready:
            return False
        job = ready[self._choose([_label(candidate) for candidate in ready])]
        self._pending.remove(job)
        self.history.append(_label(job))
        if job.run.task in self._to_kill:
            name = job.work.name
            error = WorkerKilledError(
                f"task {job.run.task} {name} killed its worker", task=job.run.task, name=name
            )
            self._sink(TaskFailed(job.run.task, job.run.attempt, error))
        else:
            self._run(job)
        self._dead.update(
            write.version for write in job.run.writes if write.version not in self._values
        )
        self._report_blocked()
        return True

    def _report_blocked(self) -> None:
        """Report what waits for a version that will not be."""
        is_new = True
        while is_new:
            blocked = [
                job
                for job in self._pending
                if any(read.version in self._dead for read in job.run.reads)
            ]
            for job in blocked:
                self._pending.remove(job)
                self._dead.update(write.version for write in job.run.writes)
                self._sink(TaskBlocked(job.run.task, job.run.attempt))
            is_new = bool(blocked)

    def cancel(self, task: TaskId, attempt: int) -> None:
        """Forget a job that has not run."""
        for job in list(self._pending):
            if (job.run.task, job.run.attempt) == (task, attempt):
                self._pending.remove(job)

    def close(self) -> None:
        """Forget everything."""
        super().close()
        self._pending.clear()


def _label(job: Job) -> str:
    return f"{job.work.name}#{job.run.task}"

"""What an executor is: it keeps versions, runs tasks, and reports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from dhtask._executors.work import Work
from dhtask._model.events import TaskBlocked, TaskFailed, TaskFinished
from dhtask._model.instructions import Run
from dhtask._model.invocation import TaskId, Version
from dhtask._model.observation import TaskRan
from dhtask.errors import SerialisationError

#: What an executor reports, from any of its threads.
Report = TaskFinished | TaskFailed | TaskBlocked | TaskRan
Sink = Callable[[Report], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt of a task together with what it executes."""

    run: Run
    work: Work


@dataclass(frozen=True, slots=True)
class Offer:
    """What one worker has."""

    worker: str
    computing_units: int
    #: None when it is not known.
    memory_bytes: int | None


class Executor(ABC):
    """Keeps versions, runs tasks, reports what became of them.

    All methods but `fetch` return without waiting for tasks, and are called by one thread at a time; `fetch` may be
    called by any thread. Each submitted run is reported once: TaskFinished when its outputs exist, TaskFailed with a
    `RemoteFailure` or an exception of ``dhtask.errors``, TaskBlocked when the run of a predecessor failed.
    """

    #: As observers hear it.
    name: ClassVar[str]
    #: Whether bodies run in the thread that submits.
    runs_in_caller: ClassVar[bool] = False

    @abstractmethod
    def open(self, sink: Sink) -> None:
        """Get ready to take work; reports go to ``sink``."""

    @abstractmethod
    def submit(self, jobs: Sequence[Job]) -> None:
        """Run these; each input exists or is an output of a job submitted before."""

    @abstractmethod
    def put(self, version: Version, data: bytes) -> None:
        """Keep a version whose content is pickled here."""

    @abstractmethod
    def copy(self, source: Version, version: Version) -> None:
        """Keep under ``version`` what ``source`` is now; ``source`` may be released later."""

    @abstractmethod
    def fetch(self, versions: Sequence[Version]) -> list[Any]:
        """The values of versions that exist; nothing else refers to the objects.

        Raises:
            RemoteFailure: a value was lost and making it again failed.
        """

    @abstractmethod
    def release(self, versions: Sequence[Version]) -> None:
        """Forget versions that nobody will name again."""

    @abstractmethod
    def cancel(self, task: TaskId, attempt: int) -> None:
        """Stop an attempt if that is easy; nothing it reports is heard any more."""

    @abstractmethod
    def offers(self) -> list[Offer]:
        """What the workers have."""

    def advance(self) -> bool:
        """Run something that was submitted, where that only happens on request; False when there is nothing."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Let everything go, whatever is still running. May be called twice."""

    def abandon(self) -> None:
        """End the workers while the interpreter ends, without a word and without the help of threads."""
        self.close()


def cannot_come_home(error: BaseException) -> SerialisationError:
    """The error for a result that does not pickle, or not back."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return SerialisationError(
        f"a result cannot be brought to the program: {reason}; return something that pickles"
    )

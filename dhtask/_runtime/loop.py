"""The loop between graph and executor: events in, instructions carried out, one at a time.

Whoever has an event appends it; one thread at a time works through them. With an executor that runs bodies in the
caller that is the program's own thread, else a thread of the runtime. Submissions are gathered until the
events are through, because a batch costs the cluster little more than a single task.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from dhtask._executors.base import Executor, Job
from dhtask._executors.portable import dumps
from dhtask._graph import TaskGraph
from dhtask._model import observation
from dhtask._model.events import Event, TaskCalled, TaskFailed
from dhtask._model.instructions import (
    Abort,
    Announce,
    Cancel,
    Deliver,
    Instruction,
    OpenBarrier,
    Release,
    Run,
    Store,
    Submit,
    UseDefault,
)
from dhtask._model.invocation import Version
from dhtask._model.observation import TaskEnded, TaskSent
from dhtask._runtime.calls import Call
from dhtask._runtime.data import DataStore
from dhtask._runtime.failures import summary_of
from dhtask._runtime.lineage import Lineage
from dhtask._runtime.observers import Observers
from dhtask._runtime.roll import Roll
from dhtask._runtime.waiting import Opened, Wait

#: What may be appended: an event for the graph, or an observation for those who watch.
Item = Event | observation.Observation
_FOR_OBSERVERS = (
    observation.TaskRan,
    observation.Synchronised,
    observation.RunOpened,
    observation.RunClosed,
)

#: How long calls are gathered before they are sent, while the program waits for nothing.
_GATHER_SECONDS: Final = 0.001
#: How often an idle loop looks for handles that have died.
_IDLE_SECONDS: Final = 0.2


class Loop:
    """Feeds the graph, and carries out what it says.

    Args:
        graph: decides.
        executor: acts.
        observers: are told.
        directory: where versions of files are kept.
    """

    def __init__(
        self, graph: TaskGraph, executor: Executor, observers: Observers, directory: str
    ) -> None:
        self._graph = graph
        self._executor = executor
        self._observers = observers
        self._directory = directory
        self.data: DataStore
        self._inbox: deque[Item] = deque()
        self._jobs: list[Job] = []
        self._released: list[Version] = []
        self._ended: list[tuple[int, observation.Outcome]] = []
        #: Calls of tasks that have not ended.
        self.calls: dict[int, Call] = {}
        #: Names of the tasks that have not finished well, for messages.
        self.names: dict[int, str] = {}
        self.waits: dict[int, Wait] = {}
        self._errors: dict[int, str] = {}
        self._roll = Roll()
        self._lineage = Lineage()
        #: The task that ended the run, and what it raised.
        self.failure: tuple[int, object] | None = None
        #: A defect: nothing works any more.
        self.broken: BaseException | None = None
        self._runs_in_caller = executor.runs_in_caller
        self._draining = threading.RLock()
        self._is_draining = False
        self._is_idle = False
        self._is_stopped = False
        self._wake = threading.Event()
        self._is_hurried = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_watched(self) -> bool:
        """Whether there are observers to tell."""
        return bool(self._observers)

    def start(self) -> None:
        """Begin to work."""
        if not self._runs_in_caller:
            self._thread = threading.Thread(target=self._work, name="dhtask-loop", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread, after what has been appended so far."""
        self._is_stopped = True
        self._wake.set()
        self._is_hurried.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def append(self, item: Item) -> None:
        """Take an event without waiting; it is worked on when somebody comes by."""
        self._inbox.append(item)

    def tell(self, item: Item) -> None:
        """Take an event, and have it worked on."""
        self._inbox.append(item)
        self.notify()

    def notify(self) -> None:
        """See to it that what has been appended is worked on."""
        if self._runs_in_caller:
            with self._draining:
                if not self._is_draining:
                    self._drain()
        elif self._is_idle:
            self._wake.set()

    def hurry(self) -> None:
        """The program waits: do not gather any longer."""
        self._is_hurried.set()
        self.notify()

    def _work(self) -> None:
        while not self._is_stopped or self._inbox:
            self._drain()
            self._is_idle = True
            # An event may have come before the flag was up: then nobody wakes this thread.
            if not self._inbox and not self._is_stopped:
                # Handles that die say so without waking anybody: that would not be safe while memory is collected.
                self._wake.wait(_IDLE_SECONDS)
            self._wake.clear()
            self._is_idle = False
            if not self.waits and not self._is_stopped:
                # The program is calling tasks: leave it the interpreter, and take them all together.
                self._is_hurried.wait(_GATHER_SECONDS)
                self._is_hurried.clear()

    def _drain(self) -> None:
        self._is_draining = True
        try:
            while self._inbox:
                while self._inbox:
                    self._take(self._inbox.popleft())
                self._flush()
        except BaseException as error:
            self._break(error)
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            self._is_draining = False

    def _break(self, error: BaseException) -> None:
        self._inbox.clear()
        self._jobs.clear()
        if self.broken is None:
            self.broken = error
        for wait in list(self.waits.values()):
            wait.give_up()

    def _take(self, item: Item) -> None:
        if isinstance(item, _FOR_OBSERVERS):
            self._observers.tell(item)
            return
        if self.broken is not None:
            return
        if self._observers and isinstance(item, TaskFailed):
            self._errors[item.task] = summary_of(item.error)
        for instruction in self._graph.handle(item):  # type: ignore[arg-type]  # the rest are events
            self._ACTIONS[type(instruction)](self, instruction)
        if self._observers and isinstance(item, TaskCalled):
            self._tell_called(item)
        if self._ended:
            self._forget_ended()

    def _forget_ended(self) -> None:
        for task, outcome in self._ended:
            self.calls.pop(task, None)
            if outcome == "finished":
                self.names.pop(task, None)
            if self._observers:
                error = self._errors.pop(task, "") if outcome != "finished" else ""
                self._observers.tell(TaskEnded(task, outcome, time.time(), error))
        self._ended.clear()

    def _tell_called(self, event: TaskCalled) -> None:
        called = event.invocation
        parents = self._graph.parents_of(called.task)
        self._roll.add(called.task, tuple(task for task, _label in parents), called.groups)
        self._observers.tell(
            observation.TaskCalled(called.task, called.name, time.time(), parents, called.groups)
        )

    def _flush(self) -> None:
        """Hand over what has been gathered."""
        if self._jobs:
            jobs, self._jobs = self._jobs, []
            self._executor.submit(jobs)
            if self._observers:
                now = time.time()
                for job in jobs:
                    self._observers.tell(TaskSent(job.run.task, job.run.attempt, now))
        if self._released:
            released, self._released = self._released, []
            self._executor.release(released)
            for version in released:
                self._remove_files(version)

    def _submit(self, instruction: Submit) -> None:
        self._jobs.extend(self._job(run) for run in instruction.runs)

    def _remove_files(self, version: Version) -> None:
        is_file = self.data.files.is_file(version.datum)
        for free in self._lineage.released(version, is_file=is_file):
            self.data.files.release(free)

    def _job(self, run: Run) -> Job:
        call = self.calls[run.task]
        self._lineage.submitted(run, frozenset(call.files))
        return Job(run, call.work(self._directory, is_watched=bool(self._observers)))

    def _cancel(self, instruction: Cancel) -> None:
        self._flush()
        self._executor.cancel(instruction.task, instruction.attempt)

    def _release(self, instruction: Release) -> None:
        self._released.append(instruction.version)

    def _store(self, instruction: Store) -> None:
        data, file = self.data.take_content(instruction.version.datum)
        if file is not None:
            self.data.files.stored(instruction.version, file)
        self._executor.put(instruction.version, data)

    def _use_default(self, instruction: UseDefault) -> None:
        version, source = instruction.version, instruction.source
        is_declared, value = self._declared(instruction)
        if self.data.files.is_file(version.datum):
            given = str(value) if is_declared else None
            path = given or (self.data.files.path_of(source) if source is not None else None)
            self._executor.put(version, dumps(self.data.files.make_default(version, path)))
        elif is_declared:
            self._executor.put(version, dumps(value))
        elif source is not None:
            self._executor.copy(source, version)
        else:
            self._executor.put(version, dumps(None))

    def _declared(self, instruction: UseDefault) -> tuple[bool, Any]:
        """The default that the program declared for an output, if it did."""
        call = self.calls.get(instruction.task or 0)
        if call is None or not instruction.declared:
            return False, None
        defaults = call.spec.defaults
        slot = instruction.slot
        if slot[0] == "r":
            if "returns" not in defaults:
                return False, None
            value = defaults["returns"]
            if call.returns_list and isinstance(value, tuple | list) and len(value) == call.returns:
                return True, value[int(slot[1:])]
            return True, value
        name = call.names.get(slot, "")
        return name in defaults, defaults.get(name)

    def _deliver(self, instruction: Deliver) -> None:
        self._roll.strike(instruction.makers)
        wait = self.waits.pop(instruction.ticket, None)
        if wait is not None:
            wait.answer(instruction)

    def _open_barrier(self, instruction: OpenBarrier) -> None:
        tasks = self._roll.members(instruction.group)
        self._roll.strike(tasks)
        wait = self.waits.pop(instruction.ticket, None)
        if wait is not None:
            wait.answer(Opened(instruction.ticket, tasks))

    def _announce(self, instruction: Announce) -> None:
        self._ended.append((instruction.task, instruction.outcome))

    def _abort(self, instruction: Abort) -> None:
        self.failure = (instruction.task, instruction.error)

    _ACTIONS: dict[type[Instruction], Callable[[Loop, Any], None]] = {  # noqa: RUF012 - a table, never changed
        Submit: _submit,
        Cancel: _cancel,
        Release: _release,
        Store: _store,
        UseDefault: _use_default,
        Deliver: _deliver,
        OpenBarrier: _open_barrier,
        Announce: _announce,
        Abort: _abort,
    }

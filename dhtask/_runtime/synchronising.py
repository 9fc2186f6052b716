"""How the program gets back what tasks made: waits, brings content home, raises what failed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from dhtask._executors.base import Executor
from dhtask._model.events import BarrierWanted, DataReceived, DataWanted, Event, HandleDropped
from dhtask._model.instructions import Deliver
from dhtask._model.invocation import DatumId
from dhtask._model.observation import Synchronised
from dhtask._runtime.data import DataStore
from dhtask._runtime.failures import exception_of
from dhtask._runtime.files import FileRecord
from dhtask._runtime.future import Future
from dhtask._runtime.home import put_into
from dhtask._runtime.loop import Loop
from dhtask._runtime.structure import replace_leaves
from dhtask._runtime.waiting import Wait
from dhtask.errors import InternalError, WaitTimeoutError

#: How often a waiting program looks up, so that Ctrl-C is heard everywhere.
_LOOK_UP_SECONDS = 0.5


class Synchroniser:
    """Waits for data and barriers on behalf of the program."""

    def __init__(self, loop: Loop, data: DataStore, executor: Executor) -> None:
        self._loop = loop
        self._data = data
        self._executor = executor
        self._tickets = itertools.count(1)
        #: Whether the program has got the exception that ended the run.
        self.has_raised = False

    def wait_on(self, values: Sequence[Any], timeout: float | None, call: str) -> list[Any]:
        """The values with everything that tasks make in its place."""
        wanted: dict[DatumId, None] = {}

        def find(value: Any) -> Any:
            datum = self._datum_of(value)
            if datum is not None:
                wanted[datum] = None
            return value

        for value in values:
            self._walk(value, find)
        if not wanted:
            return list(values)
        contents = self._fetch(list(wanted), timeout, call)
        return [self._with_contents(value, contents) for value in values]

    def _datum_of(self, value: Any) -> DatumId | None:
        if isinstance(value, Future):
            return self._data.of_future(value)
        return self._data.objects.find(value) if self._data.objects else None

    def _walk(self, value: Any, find: Callable[[Any], Any]) -> None:
        # A tracked list is a datum, not a container: its content now is not what tasks made of it.
        if self._datum_of(value) is not None:
            find(value)
        else:
            replace_leaves(value, find, descend=lambda inner: self._datum_of(inner) is None)

    def _with_contents(self, value: Any, contents: dict[DatumId, Any]) -> Any:
        placed: dict[DatumId, Any] = {}

        def place(leaf: Any) -> Any:
            datum = self._datum_of(leaf)
            if datum is None:
                return leaf
            if datum not in placed:
                content = contents[datum]
                placed[datum] = content if isinstance(leaf, Future) else put_into(leaf, content)
            return placed[datum]

        homes: list[Any] = []

        def descend(inner: Any) -> bool:
            datum = self._datum_of(inner)
            if datum is None:
                return True
            if not isinstance(inner, Future):
                homes.append(inner)
            return False

        if self._datum_of(value) is not None:
            descend(value)
            result = place(value)
        else:
            result = replace_leaves(
                value,
                place,
                descend=descend,
                keep=lambda c: self._data.containers.find(c) is not None,
            )
        self._release_homes(homes)
        return result

    def _release_homes(self, homes: list[Any]) -> None:
        """The program has the content again, so the next call takes it from there."""
        for obj in homes:
            datum = self._data.objects.untrack(obj)
            if datum is not None:
                self._loop.append(HandleDropped(datum))

    def _fetch(self, wanted: list[DatumId], timeout: float | None, call: str) -> dict[DatumId, Any]:
        tickets = [next(self._tickets) for _ in wanted]
        events: list[Event] = [DataWanted(t, d) for t, d in zip(tickets, wanted, strict=True)]
        answers = self._wait(tickets, events, timeout, call)
        try:
            delivered = [answers.answers[ticket] for ticket in tickets]
            versions = []
            for answer in delivered:
                assert isinstance(answer, Deliver)
                if answer.outcome == "lost":
                    self._raise_failure(answer.chain)
                versions.append(answer.version)
            values = self._executor.fetch(versions)
        finally:
            for ticket in tickets:
                self._loop.append(DataReceived(ticket))
            self._loop.notify()
        return dict(zip(wanted, values, strict=True))

    def _wait(
        self, tickets: list[int], events: list[Event], timeout: float | None, call: str
    ) -> Wait:
        """Ask the graph, and wait for its answers."""
        start = time.time()
        wait = Wait(tickets)
        for ticket in tickets:
            self._loop.waits[ticket] = wait
        for event in events:
            self._loop.append(event)
        self._loop.hurry()
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            self._sleep(wait, deadline, call, timeout)
        except BaseException:
            for event in events:
                if isinstance(event, DataWanted):
                    self._loop.append(DataReceived(event.ticket))
            for ticket in tickets:
                self._loop.waits.pop(ticket, None)
            raise
        if self._loop.broken is not None:
            self.has_raised = True
            raise self._loop.broken
        if self._loop.is_watched:
            self._loop.tell(Synchronised(call, wait.tasks, start, time.time()))
        return wait

    def _sleep(self, wait: Wait, deadline: float | None, call: str, timeout: float | None) -> None:
        while not wait.is_over:
            if self._loop.broken is not None:
                return
            if self._executor.runs_in_caller:
                if not self._executor.advance():
                    raise InternalError(f"{call} waits for tasks that nobody will run")
                self._loop.notify()
                continue
            rest = _LOOK_UP_SECONDS
            if deadline is not None:
                rest = min(rest, deadline - time.monotonic())
                if rest <= 0:
                    raise WaitTimeoutError(
                        f"{call} waited {timeout:g} s; the tasks go on, so it may be called again"
                    )
            wait.sleep(rest)

    def barrier(self, group: str | None, timeout: float | None, call: str) -> None:
        """Wait until all tasks, or those of a group, have ended; raise what failed."""
        ticket = next(self._tickets)
        self._wait([ticket], [BarrierWanted(ticket, group)], timeout, call)
        if self._loop.failure is not None:
            self._raise_failure(())

    def bring_files_home(self, records: list[FileRecord], timeout: float | None, call: str) -> None:
        """Put the newest versions of files at their paths."""
        if not records:
            return
        tickets = [next(self._tickets) for _ in records]
        events: list[Event] = [
            DataWanted(ticket, record.datum)
            for ticket, record in zip(tickets, records, strict=True)
        ]
        wait = self._wait(tickets, events, timeout, call)
        try:
            lost: Deliver | None = None
            for ticket, record in zip(tickets, records, strict=True):
                answer = wait.answers[ticket]
                assert isinstance(answer, Deliver)
                if answer.outcome == "lost":
                    lost = answer
                else:
                    self._data.files.bring_home(record, answer.version)
            if lost is not None:
                self._raise_failure(lost.chain)
        finally:
            for ticket in tickets:
                self._loop.append(DataReceived(ticket))
            self._loop.notify()

    def _raise_failure(self, chain: Sequence[int]) -> None:
        failure = self._loop.failure
        if failure is None:
            raise InternalError(f"the content is lost and nothing failed (tasks {list(chain)})")
        task, error = failure
        names = self._loop.names
        told = [f"task {number} {names.get(number, '?')}" for number in chain]
        self.has_raised = True
        raise exception_of(error, task, names.get(task, "?"), told)

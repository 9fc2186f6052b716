"""Everything of the program that tasks use: futures, tracked objects, literals, files."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from dhtask._executors.portable import dumps
from dhtask._executors.work import StoredFile
from dhtask._model.events import DatumDeleted, DatumPut, Event, HandleDropped
from dhtask._model.invocation import DatumId
from dhtask._runtime.files import FileStore
from dhtask._runtime.future import Future
from dhtask._runtime.literals import LiteralStore
from dhtask._runtime.structure import leaves
from dhtask._runtime.tracking import ObjectTracker
from dhtask.errors import DataDeletedError, RuntimeStateError


class DataStore:
    """Everything of the program that tasks use, and the number that each has in the graph.

    Args:
        tell: takes an event for the graph; does not wait.
        wait: brings the newest content of a future or a tracked object to the program.
        state: one word on a task.
        directory: where versions of files are kept.
    """

    def __init__(
        self,
        tell: Callable[[Event], None],
        wait: Callable[[Any], Any],
        state: Callable[[int], str],
        directory: str,
    ) -> None:
        self._tell = tell
        self.wait = wait
        self._state = state
        self._numbers = itertools.count(1)
        #: Content that was put and is not stored yet, by datum, oldest first.
        self._contents: dict[DatumId, deque[tuple[bytes, StoredFile | None]]] = {}
        self.objects = ObjectTracker(self.drop)
        #: Lists whose elements tasks write; they are no data themselves.
        self.containers = ObjectTracker(lambda _datum: None)
        self.literals = LiteralStore(self.put_new, self.drop)
        self.files = FileStore(directory, self.new_datum, self.put_file)

    def new_datum(self) -> DatumId:
        """A number that no datum has had."""
        return next(self._numbers)

    def drop(self, datum: DatumId) -> None:
        """The program can no longer reach a datum."""
        self._tell(HandleDropped(datum))

    def put(self, datum: DatumId, data: bytes, file: StoredFile | None = None) -> None:
        """Give a datum content."""
        self._contents.setdefault(datum, deque()).append((data, file))
        self._tell(DatumPut(datum))

    def put_new(self, data: bytes) -> DatumId:
        """Make a datum of content."""
        datum = self.new_datum()
        self.put(datum, data)
        return datum

    def put_file(self, datum: DatumId, file: StoredFile) -> None:
        """Give a datum a file as content."""
        self.put(datum, dumps(file), file)

    def take_content(self, datum: DatumId) -> tuple[bytes, StoredFile | None]:
        """The oldest content of a datum that is not stored yet."""
        waiting = self._contents[datum]
        content = waiting.popleft()
        if not waiting:
            self._contents.pop(datum, None)
        return content

    def track(self, obj: Any) -> DatumId:
        """Make an object of the program a datum."""
        datum = self.new_datum()
        self.objects.track(obj, datum)
        return datum

    def new_future(self, name: str, task: int = 0, datum: DatumId | None = None) -> Future[Any]:
        """A future, of a new datum unless one is given."""
        return Future(self, self.new_datum() if datum is None else datum, task, name, None)

    def state_of(self, future: Future[Any]) -> str:
        """One word on what a future stands for."""
        return self._state(future._task)  # noqa: SLF001 - the future is ours

    def of_future(self, future: Future[Any]) -> DatumId:
        """The datum of a future.

        Raises:
            RuntimeStateError: it belongs to a runtime that is not the open one.
            DataDeletedError: the program gave it up.
        """
        if future._store is not self:  # noqa: SLF001 - as above
            raise RuntimeStateError(
                f"{future!r} belongs to a runtime that is not open any more; wait_on it before its runtime stops"
            )
        if future._is_deleted:  # noqa: SLF001 - as above
            raise DataDeletedError(f"{future!r} was deleted; use it before dhtask.delete")
        return future._datum  # noqa: SLF001 - as above

    def settle(self, value: Any) -> Any:
        """A list or dict whose tracked members have their newest content; the value itself if it has none."""
        if type(value) not in {list, dict} or not self.objects:
            return value
        inner = [v for v in leaves(value) if v is not value and self.objects.find(v) is not None]
        for member in inner:
            self.wait(member)
        return value

    def delete(self, thing: Any) -> None:
        """Give up whatever is tracked in a structure. Never waits: it may be called while memory is collected."""
        for value in list(leaves(thing)):
            if isinstance(value, Future):
                if value._store is self and not value._is_deleted:  # noqa: SLF001 - as above
                    value._is_deleted = True  # noqa: SLF001 - as above
                    self._tell(DatumDeleted(value._datum))  # noqa: SLF001 - as above
            else:
                datum = self.objects.untrack(value)
                if datum is not None:
                    self._tell(DatumDeleted(datum))

    def clear(self) -> None:
        """Forget everything."""
        self.objects.clear()
        self.containers.clear()
        self.literals.clear()
        self._contents.clear()


def refuse_futures(values: Any) -> None:
    """Where no runtime is open there is nothing that a future could give.

    Raises:
        RuntimeStateError: there is a future in the structure.
    """
    for value in leaves(values):
        if isinstance(value, Future):
            raise RuntimeStateError(
                f"{value!r} cannot be waited for: its runtime is not open any more, or this is the body of a task; "
                "wait_on it before its runtime stops"
            )

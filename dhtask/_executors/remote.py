"""The only code that runs on a worker: it runs one task, isolated from what else lives there."""

from __future__ import annotations

import os
import pickle
import shutil
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from dhtask._executors.inside import inside_task
from dhtask._executors.isolation import Loans, copy_value
from dhtask._executors.portable import dumps, loads
from dhtask._executors.whole import pack, unpack
from dhtask._executors.work import ElementPlace, StoredFile, Work
from dhtask._model.function import TaskFunction
from dhtask._model.instructions import Run

#: What an output that the body did not make is, until it is found elsewhere.
_MISSING: Final = object()


class RemoteFailure(Exception):  # noqa: N818 - travels between executor and runtime, users never see it
    """The body of a task raised.

    Args:
        task: number of the task.
        attempt: which of its runs.
        error: the pickled exception, None when it does not pickle.
        type_name: qualified name of its class.
        message: what it says.
        remote_traceback: text of the traceback, as the worker would have printed it.
    """

    def __init__(
        self,
        task: int,
        attempt: int,
        error: bytes | None,
        type_name: str,
        message: str,
        remote_traceback: str,
    ) -> None:
        super().__init__(task, attempt, error, type_name, message, remote_traceback)
        self.task = task
        self.attempt = attempt
        self.error = error
        self.type_name = type_name
        self.message = message
        self.remote_traceback = remote_traceback

    @classmethod
    def of(cls, run: Run, error: BaseException) -> RemoteFailure:
        """Pack an exception for the way home."""
        return cls(
            run.task,
            run.attempt,
            _pickled_exception(error),
            f"{type(error).__module__}.{type(error).__qualname__}",
            str(error),
            "".join(traceback.format_exception(error)),
        )


def _pickled_exception(error: BaseException) -> bytes | None:
    # A class whose __init__ wants other arguments pickles but does not come back, unless it is taken apart.
    return _round_trip(error) or _round_trip(_Parts(error))


def _round_trip(error: object) -> bytes | None:
    try:
        data = dumps(error)
        pickle.loads(data)
    except Exception:  # noqa: BLE001 - user exceptions may refuse in any way
        return None
    return data


class _Parts:
    """Pickles an exception without asking its ``__init__``."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __reduce__(self) -> Any:
        kind = type(self._error)
        own = [owner for owner in kind.__mro__ if owner.__module__ != "builtins"]
        if any("__reduce__" in vars(owner) or "__reduce_ex__" in vars(owner) for owner in own):
            raise TypeError(f"{kind.__qualname__} says itself how it is pickled")
        return _from_parts, (kind, self._error.args, vars(self._error))


def _from_parts(
    kind: type[BaseException], args: tuple[Any, ...], attributes: dict[str, Any]
) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(attributes)
    return error


@lru_cache(maxsize=512)
def _function(data: bytes) -> Callable[..., Any]:
    loaded: Any = pickle.loads(data)
    function: Callable[..., Any] = loaded.function if isinstance(loaded, TaskFunction) else loaded
    return function


def execute(work: Work, run: Run, inputs: Sequence[Any]) -> list[Any]:
    """Run a task.

    Args:
        work: the call.
        run: the attempt, with the versions it reads and writes.
        inputs: the stored values of ``run.reads``, in order.

    Returns:
        The values of ``run.writes``, in order.

    Raises:
        RemoteFailure: the body raised, or did not give what it was declared to give.
    """
    if _is_written(work, run):
        return [StoredFile(work.file_of(w.slot, w.version)) for w in run.writes]
    loans = Loans()
    failure = None
    try:
        holes = _lend(work, run, inputs, loans)
        args, kwargs = loads(work.arguments, holes)
        loans.begin()
        before = _elements(work.elements, args, kwargs)
        with inside_task():
            result = _function(work.function)(*args, **kwargs)
        returned = _returned(work, result)
        after = _elements(work.elements, args, kwargs)
        written = _written(work, run, holes, before, after)
    except KeyboardInterrupt:
        # Meant for the program, whose process this is.
        raise
    except BaseException as error:  # noqa: BLE001 - sys.exit in a body must not end the worker
        failure = RemoteFailure.of(run, error)
    if failure is not None:
        # Raised here it has no context, which may not pickle.
        raise failure
    outputs = [
        returned[int(w.slot[1:])] if w.slot[0] == "r" else written[w.slot] for w in run.writes
    ]
    changed = frozenset(
        i for i, w in enumerate(run.writes) if w.slot in holes and outputs[i] is holes[w.slot]
    )
    # What follows counts references: nothing here may hold on to what the body saw.
    del result, returned, args, kwargs, holes, written, before, after
    loans.detach(outputs, changed)
    return outputs


def _is_written(work: Work, run: Run) -> bool:
    """Whether the run made nothing but files, and they are there: only where they are had been forgotten.

    A file is moved to its place when the body has ended well, so it is never that of another attempt.
    """
    return bool(work.files and run.writes) and all(
        w.slot in work.files and Path(work.file_of(w.slot, w.version)).exists() for w in run.writes
    )


def _lend(work: Work, run: Run, inputs: Sequence[Any], loans: Loans) -> dict[str, Any]:
    """The value of every hole."""
    changing = {write.slot for write in run.writes} | work.scratch
    holes: dict[str, Any] = {slot: loads(data) for slot, data in work.blanks.items()}
    for read, value in zip(run.reads, inputs, strict=True):
        if not isinstance(value, StoredFile):
            holes[read.slot] = loans.lend(
                value, may_change=read.slot in changing, is_exclusive=read.exclusive
            )
        elif read.slot not in changing:
            holes[read.slot] = _as_given(work, read.slot, value.path)
    sources = {
        read.slot: value.path
        for read, value in zip(run.reads, inputs, strict=True)
        if isinstance(value, StoredFile)
    }
    for write in run.writes:
        if write.slot in work.files:
            draft = _draft(work.file_of(write.slot, write.version), run.attempt)
            Path(draft).parent.mkdir(parents=True, exist_ok=True)
            source = sources.get(write.slot)
            # A file that never existed is for the body to make; one that is lost is an error.
            if source and (source.startswith(work.directory) or Path(source).exists()):
                shutil.copyfile(source, draft)
            holes[write.slot] = _as_given(work, write.slot, draft)
        elif write.slot[0] != "r":
            holes.setdefault(write.slot, None)
    return holes


def _draft(path: str, attempt: int) -> str:
    """Where the body writes a file before it is known to be complete."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f"attempt{attempt}", name)  # noqa: PTH118 - paths travel as strings


def _as_given(work: Work, slot: str, path: str) -> str | Path:
    return Path(path) if work.files[slot].is_path else path


def _elements(
    places: Sequence[ElementPlace], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """What lies now in the places of a collection, by slot; one datum may lie in several."""
    found: dict[str, list[Any]] = {}
    for place in places:
        key = place.argument
        item = kwargs[key] if isinstance(key, str) else args[key]
        for index in place.path:
            item = item[index] if index < len(item) else _MISSING
        found.setdefault(place.slot, []).append(item)
    return found


def _written(
    work: Work,
    run: Run,
    holes: Mapping[str, Any],
    before: Mapping[str, list[Any]],
    after: Mapping[str, list[Any]],
) -> dict[str, Any]:
    """The value of every parameter that the task writes."""
    written = {}
    for write in run.writes:
        slot = write.slot
        if slot in work.files:
            written[slot] = _completed_file(work, run, slot, work.file_of(slot, write.version))
        elif slot in after:
            written[slot] = _newest(work, before[slot], after[slot])
        elif slot[0] != "r":
            written[slot] = holes[slot]
    return written


def _newest(work: Work, before: list[Any], after: list[Any]) -> Any:
    if any(item is _MISSING for item in after):
        raise ValueError(
            f"task {work.name} made a collection shorter; a collection keeps its length, only its elements change"
        )
    replaced = [new for old, new in zip(before, after, strict=True) if new is not old]
    return replaced[-1] if replaced else after[-1]


def _completed_file(work: Work, run: Run, slot: str, path: str) -> StoredFile:
    draft = Path(_draft(path, run.attempt))
    if not draft.exists():
        raise FileNotFoundError(
            f"task {work.name} was declared to write {work.files[slot].name!r} but did not make it"
        )
    draft.replace(path)
    draft.parent.rmdir()
    return StoredFile(path)


def _returned(work: Work, result: Any) -> list[Any]:
    if not work.returns_list:
        return [result]
    values = list(result) if isinstance(result, Sequence) and not isinstance(result, str) else None
    if values is None or len(values) != work.returns:
        found = type(result).__name__ if values is None else f"{len(values)} values"
        raise ValueError(
            f"task {work.name} was declared to return {work.returns} values, found {found}"
        )
    return values


class Measured:
    """Times one run, for those who watch."""

    __slots__ = ("bytes_in", "bytes_out", "start", "stop")

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.bytes_in = sum(map(size_of, inputs))
        self.bytes_out = 0
        self.start = self.stop = time.time()

    def finish(self, outputs: Sequence[Any]) -> None:
        """Take the time and the size of what came out."""
        self.stop = time.time()
        self.bytes_out = sum(map(size_of, outputs))


def size_of(value: Any) -> int:
    """Bytes of a value as far as they can be told cheaply: a list counts its first items, one level deep."""
    if isinstance(value, list | tuple):
        return sum(map(_flat_size, value[:64]))
    return _flat_size(value)


def _flat_size(value: Any) -> int:
    if isinstance(value, bytes | str | bytearray):
        return len(value)
    nbytes = getattr(value, "nbytes", 8)
    return nbytes if isinstance(nbytes, int) else 8


def run_on_worker(packed: bytes, topic: str, *inputs: Any) -> Any:
    """Run a task as Dask wants it: the output itself when there is one, a tuple of them otherwise."""
    work, run = pickle.loads(packed)
    values = [unpack(value) for value in inputs]
    outputs: list[Any] = []
    if not topic:
        outputs = execute(work, run, values)
    else:
        measured = Measured(values)
        try:
            outputs = execute(work, run, values)
        finally:
            measured.finish(outputs)
            _report(topic, run, measured, succeeded=len(outputs) == len(run.writes))
    packed_outputs = tuple(pack(output) for output in outputs)
    return packed_outputs[0] if len(packed_outputs) == 1 else packed_outputs


def _report(topic: str, run: Run, measured: Measured, *, succeeded: bool) -> None:
    from distributed import get_worker

    worker = get_worker()
    worker.log_event(
        topic,
        (
            run.task,
            run.attempt,
            str(worker.address),
            measured.start,
            measured.stop,
            measured.bytes_in,
            measured.bytes_out,
            succeeded,
        ),
    )


def pick(outputs: tuple[Any, ...], position: int) -> Any:
    """One of several outputs."""
    return outputs[position]


def load_on_worker(data: bytes) -> Any:
    """Content that the program put."""
    return pack(loads(data))


def copy_on_worker(value: Any) -> Any:
    """The same content under another key: neither may change with the other."""
    return pack(copy_value(unpack(value)))

"""Where the program meets its tasks again. Without a runtime each of these is what plain Python would do."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar, overload

from dhtask._runtime.current import current_runtime
from dhtask._runtime.data import refuse_futures
from dhtask._runtime.future import Future

T = TypeVar("T")


@overload
def wait_on(value: Future[T], /, *, timeout: float | None = None) -> T: ...
@overload
def wait_on(value: T, /, *, timeout: float | None = None) -> T: ...
@overload
def wait_on(*values: Any, timeout: float | None = None) -> list[Any]: ...
def wait_on(*values: Any, timeout: float | None = None) -> Any:
    """Wait for values and return them.

    Futures and tracked objects are found inside lists, tuples, dicts and dataclasses, which come back as new
    containers. The newest content of a tracked list, dict, array or instance is put back into that
    very object. What no task ever wrote comes back as it is.

    Args:
        values: one value, or several.
        timeout: seconds to wait at most; None waits for ever.

    Returns:
        The value for one argument, a list for several.

    Raises:
        The exception of the task that failed, with the remote traceback and the chain of tasks as notes.
        WaitTimeoutError: the time is over; the tasks go on.

    Example:
        >>> import dhtask
        >>> dhtask.wait_on(1), dhtask.wait_on(1, [2])
        (1, [1, [2]])
    """
    runtime = current_runtime()
    if runtime is None:
        refuse_futures(values)
        return values[0] if len(values) == 1 else list(values)
    found = runtime.wait_on(values, timeout=timeout)
    return found[0] if len(values) == 1 else found


def wait_on_file(*paths: str | os.PathLike[str], timeout: float | None = None) -> Any:
    """Wait for files that tasks write, bring their newest version to their path, and return the paths.

    Args:
        paths: the paths as they were given to the tasks.
        timeout: seconds to wait at most; None waits for ever.

    Returns:
        The path for one argument, a list for several.

    Raises:
        The exception of the task that failed.
        WaitTimeoutError: the time is over; the tasks go on.

    Example:
        >>> import dhtask
        >>> dhtask.wait_on_file("result.txt")
        'result.txt'
    """
    runtime = current_runtime()
    if runtime is not None:
        runtime.wait_on_files(
            [os.fspath(path) for path in paths], call="wait_on_file", timeout=timeout
        )
    return paths[0] if len(paths) == 1 else list(paths)


def open_file(path: str | os.PathLike[str], mode: str = "r", **options: Any) -> IO[Any]:
    """Open a file that tasks may be writing: the built-in ``open`` after `wait_on_file`.

    Args:
        path: the path as it was given to the tasks.
        mode: as in the built-in ``open``.
        options: further keywords of the built-in ``open``.

    Raises:
        The exception of the task that failed, or what the built-in ``open`` raises.

    Example:
        >>> import dhtask
        >>> with dhtask.open_file("notes.txt", "w") as notes:
        ...     notes.write("done")
        4
    """
    runtime = current_runtime()
    if runtime is not None:
        runtime.wait_on_files([os.fspath(path)], call="open", timeout=None)
    return Path(path).open(mode, **options)


def barrier(*, timeout: float | None = None) -> None:
    """Wait until every task called so far has ended, and bring files home.

    Args:
        timeout: seconds to wait at most; None waits for ever.

    Raises:
        The exception of the task that failed.
        WaitTimeoutError: the time is over; the tasks go on.

    Example:
        >>> import dhtask
        >>> dhtask.barrier()
    """
    runtime = current_runtime()
    if runtime is not None:
        runtime.barrier(timeout=timeout)


def barrier_group(name: str, *, timeout: float | None = None) -> None:
    """Wait until every task of a group has ended.

    Args:
        name: the name the group was given.
        timeout: seconds to wait at most; None waits for ever.

    Raises:
        The exception of the task that failed.
        WaitTimeoutError: the time is over; the tasks go on.

    Example:
        >>> import dhtask
        >>> dhtask.barrier_group("simulations")
    """
    runtime = current_runtime()
    if runtime is not None:
        runtime.barrier_group(name, timeout=timeout)


def cancel_group(name: str) -> None:
    """Cancel the tasks of a group that have not ended.

    Args:
        name: the name the group was given.

    Example:
        >>> import dhtask
        >>> dhtask.cancel_group("simulations")
    """
    runtime = current_runtime()
    if runtime is not None:
        runtime.cancel_group(name)


def delete(*things: Any) -> None:
    """Say that the program will not read these any more, so that their memory or disk is freed.

    Tasks that were called before still read them. Futures and tracked objects are found inside
    containers; a string or a path names a file, which is removed. What is not tracked is left alone.

    Args:
        things: futures, objects that were given to tasks, containers of them, paths of files.

    Example:
        >>> import dhtask
        >>> dhtask.delete([1, 2])
    """
    runtime = current_runtime()
    if runtime is not None:
        runtime.delete(things)
        return
    for thing in things:
        if isinstance(thing, str | os.PathLike):
            Path(thing).unlink(missing_ok=True)


class TaskGroup:
    """Tasks that are waited for, or cancelled, together.

    Args:
        name: what `barrier_group` and `cancel_group` call it.
        implicit_barrier: whether leaving the ``with`` statement waits for the tasks of the group.

    Example:
        >>> import dhtask
        >>> with dhtask.TaskGroup("simulations"):
        ...     pass
    """

    __slots__ = ("implicit_barrier", "name")

    def __init__(self, name: str, *, implicit_barrier: bool = True) -> None:
        self.name = name
        self.implicit_barrier = implicit_barrier

    def __enter__(self) -> TaskGroup:
        runtime = current_runtime()
        if runtime is not None:
            runtime.enter_group(self.name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        runtime = current_runtime()
        if runtime is None:
            return
        runtime.leave_group(self.name)
        if self.implicit_barrier and kind is None:
            runtime.barrier_group(self.name, timeout=None)

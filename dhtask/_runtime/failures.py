"""The exception that the program gets: the user's own, with where it happened and who needed it."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from dhtask._executors.remote import RemoteFailure
from dhtask.errors import DhtaskError, RemoteError


def exception_of(error: object, task: int, name: str, chain: Sequence[str] = ()) -> BaseException:
    """A fresh exception for the failure of a task.

    Args:
        error: what the executor reported.
        task: number of the task that failed.
        name: its name.
        chain: the tasks between what was waited for and the one that failed, the latter last.
    """
    exception = _unpacked(error, task, name)
    if isinstance(error, RemoteFailure):
        exception.add_note(f"\nThe task ran on a worker:\n\n{error.remote_traceback.rstrip()}\n")
        exception.add_note(f"It is task {task}, {name}, attempt {error.attempt}.")
    if len(chain) > 1:
        exception.add_note("What was waited for needed it: " + " <- ".join(chain) + ".")
    return exception


def _unpacked(error: object, task: int, name: str) -> BaseException:
    if isinstance(error, RemoteFailure):
        if error.error is not None:
            exception = pickle.loads(error.error)
            if isinstance(exception, Exception):
                return exception
        return RemoteError(
            f"task {task} {name} raised {error.type_name}: {error.message}",
            type_name=error.type_name,
            remote_traceback=error.remote_traceback,
            task=task,
            name=name,
            attempt=error.attempt,
        )
    if isinstance(error, DhtaskError):
        return pickle.loads(pickle.dumps(error))  # type: ignore[no-any-return]  # a copy: notes are added to it
    return (
        error if isinstance(error, BaseException) else RemoteError(str(error), task=task, name=name)
    )


def summary_of(error: object) -> str:
    """``TypeName: message``, for those who watch."""
    if isinstance(error, RemoteFailure):
        return f"{error.type_name.rsplit('.', 1)[-1]}: {error.message}"
    return f"{type(error).__name__}: {error}"

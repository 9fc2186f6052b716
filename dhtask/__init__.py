"""The DeepHealth task runtime: functions become tasks, calls become a graph, the graph runs on Dask.

Example:
    >>> import dhtask
    >>> @dhtask.task
    ... def square(x: int) -> int:
    ...     return x * x
    >>> square(3)
    9
"""

from __future__ import annotations

from dhtask._api.decorators import Task, constraint, on_failure, task
from dhtask._api.synchronisation import (
    TaskGroup,
    barrier,
    barrier_group,
    cancel_group,
    delete,
    open_file,
    wait_on,
    wait_on_file,
)
from dhtask._model.direction import (
    COLLECTION_IN,
    COLLECTION_INOUT,
    COLLECTION_OUT,
    COMMUTATIVE,
    CONCURRENT,
    FILE_IN,
    FILE_INOUT,
    FILE_OUT,
    IN,
    INOUT,
    OUT,
)
from dhtask._model.failure import FailurePolicy
from dhtask._runtime.future import Future
from dhtask._runtime.runtime import Runtime, start, stop

__all__ = [
    "COLLECTION_IN",
    "COLLECTION_INOUT",
    "COLLECTION_OUT",
    "COMMUTATIVE",
    "CONCURRENT",
    "FILE_IN",
    "FILE_INOUT",
    "FILE_OUT",
    "IN",
    "INOUT",
    "OUT",
    "FailurePolicy",
    "Future",
    "Runtime",
    "Task",
    "TaskGroup",
    "barrier",
    "barrier_group",
    "cancel_group",
    "constraint",
    "delete",
    "on_failure",
    "open_file",
    "start",
    "stop",
    "task",
    "wait_on",
    "wait_on_file",
]

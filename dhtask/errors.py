"""Every exception that dhtask raises by itself.

::

    DhtaskError
    ├── ConfigurationError (ValueError)        a setting that cannot be used; names its source
    ├── TaskDefinitionError (TypeError)        a declaration or a call that cannot be a task
    ├── RuntimeStateError (RuntimeError)       started twice, used when stopped, opened inside another
    ├── FutureNotReadyError (TypeError)        a future used as if it were its value
    ├── DataDeletedError (LookupError)         a value used after ``delete``
    ├── WaitTimeoutError (TimeoutError)        ``wait_on(..., timeout=)`` ran out of time
    ├── ConstraintError (ValueError)           a constraint that no worker can meet
    ├── ClusterError (RuntimeError)            the workers are of no use
    │   └── ClusterUnreachableError (ConnectionError)
    ├── TaskError                              something happened to one task
    │   ├── RemoteError (RuntimeError)         stands for a user's exception that could not be pickled
    │   ├── SerialisationError (TypeError)     an argument or a result that cannot be pickled
    │   └── WorkerKilledError (RuntimeError)   the task lost its worker again and again
    └── InternalError (RuntimeError)           a defect of dhtask: please report it
        └── InvalidTransitionError             the graph heard of something that cannot have happened

A task that raises makes ``wait_on`` raise the user's own exception, with the remote traceback and the
chain of tasks as notes; none of the classes above stands in its way unless it cannot be pickled.
All of them pickle and keep their attributes.
"""

from __future__ import annotations

__all__ = [
    "ClusterError",
    "ClusterUnreachableError",
    "ConfigurationError",
    "ConstraintError",
    "DataDeletedError",
    "DhtaskError",
    "FutureNotReadyError",
    "InternalError",
    "InvalidTransitionError",
    "RemoteError",
    "RuntimeStateError",
    "SerialisationError",
    "TaskDefinitionError",
    "TaskError",
    "WaitTimeoutError",
    "WorkerKilledError",
]


class DhtaskError(Exception):
    """Root of the exceptions of dhtask.

    >>> from dhtask.errors import ConstraintError, DhtaskError
    >>> issubclass(ConstraintError, DhtaskError)
    True
    """


class ConfigurationError(DhtaskError, ValueError):
    """A setting cannot be used; the message names the setting, its value and where the value came from.

    >>> raise ConfigurationError("workers must be at least 1, found 0 in $DHTASK_WORKERS")
    Traceback (most recent call last):
    ...
    dhtask.errors.ConfigurationError: workers must be at least 1, found 0 in $DHTASK_WORKERS
    """


class TaskDefinitionError(DhtaskError, TypeError):
    """A decorator or a call says something that cannot be a task.

    >>> raise TaskDefinitionError("f() has no parameter 'y'; its parameters are: 'x'")
    Traceback (most recent call last):
    ...
    dhtask.errors.TaskDefinitionError: f() has no parameter 'y'; its parameters are: 'x'
    """


class RuntimeStateError(DhtaskError, RuntimeError):
    """The runtime is not in a state in which this can be done.

    >>> raise RuntimeStateError("the runtime is stopped; call it inside `with dhtask.Runtime():`")
    Traceback (most recent call last):
    ...
    dhtask.errors.RuntimeStateError: the runtime is stopped; call it inside `with dhtask.Runtime():`
    """


class FutureNotReadyError(DhtaskError, TypeError):
    """A future was used as if it were its value; ``dhtask.wait_on`` gives the value.

    >>> raise FutureNotReadyError("bool() of a Future; write `x = dhtask.wait_on(x)` first")
    Traceback (most recent call last):
    ...
    dhtask.errors.FutureNotReadyError: bool() of a Future; write `x = dhtask.wait_on(x)` first
    """


class DataDeletedError(DhtaskError, LookupError):
    """A value was used after ``dhtask.delete`` gave it up.

    >>> raise DataDeletedError("d3 was deleted; pass it before `dhtask.delete`")
    Traceback (most recent call last):
    ...
    dhtask.errors.DataDeletedError: d3 was deleted; pass it before `dhtask.delete`
    """


class WaitTimeoutError(DhtaskError, TimeoutError):
    """What the program waited for did not come in the time that it allowed.

    >>> issubclass(WaitTimeoutError, TimeoutError)
    True
    """


class ConstraintError(DhtaskError, ValueError):
    """No worker can ever meet the constraint of a task.

    >>> raise ConstraintError("f() asks for computing_units=64; the largest worker offers 2")
    Traceback (most recent call last):
    ...
    dhtask.errors.ConstraintError: f() asks for computing_units=64; the largest worker offers 2
    """


class ClusterError(DhtaskError, RuntimeError):
    """The cluster cannot do its work: no workers, another version of Python, a scheduler that went away.

    >>> issubclass(ClusterUnreachableError, ClusterError)
    True
    """


class ClusterUnreachableError(ClusterError, ConnectionError):
    """Nothing answers at the address of the cluster.

    >>> raise ClusterUnreachableError("no scheduler answers at 'tcp://10.0.0.1:8786'")
    Traceback (most recent call last):
    ...
    dhtask.errors.ClusterUnreachableError: no scheduler answers at 'tcp://10.0.0.1:8786'
    """

    def __new__(cls, *arguments: object) -> ClusterUnreachableError:
        """Make the bare object, as unpickling does."""
        # RuntimeError comes first among the bases, but its __new__ refuses the layout of an OSError; tblib, which
        # Dask installs, revives exceptions by __new__.
        return ConnectionError.__new__(cls, *arguments)


class TaskError(DhtaskError):
    """Something happened to one task.

    Args:
        message: what happened, and what to do.
        task: number of the task, in the order of the calls.
        name: qualified name of its function.
        attempt: which of its runs, from 1.

    >>> import pickle
    >>> error = pickle.loads(pickle.dumps(TaskError("lost", task=3, name="f", attempt=2)))
    >>> error.task, error.name, error.attempt
    (3, 'f', 2)
    """

    def __init__(
        self, message: str, *, task: int | None = None, name: str = "", attempt: int = 0
    ) -> None:
        super().__init__(message)
        self.task = task
        self.name = name
        self.attempt = attempt


class RemoteError(TaskError, RuntimeError):
    """Stands for an exception of a task that could not be pickled.

    Args:
        type_name: qualified name of the class of the exception.
        remote_traceback: text of the traceback on the worker.

    >>> error = RemoteError("no", type_name="lib.Oops", remote_traceback="Traceback ...", task=1)
    >>> error.type_name
    'lib.Oops'
    """

    def __init__(
        self,
        message: str,
        *,
        type_name: str = "",
        remote_traceback: str = "",
        task: int | None = None,
        name: str = "",
        attempt: int = 0,
    ) -> None:
        super().__init__(message, task=task, name=name, attempt=attempt)
        self.type_name = type_name
        self.remote_traceback = remote_traceback


class SerialisationError(TaskError, TypeError):
    """An argument or a result of a task cannot be pickled.

    >>> raise SerialisationError("argument 'lock' of f() cannot be pickled", task=1)
    Traceback (most recent call last):
    ...
    dhtask.errors.SerialisationError: argument 'lock' of f() cannot be pickled
    """


class WorkerKilledError(TaskError, RuntimeError):
    """The worker died while it ran the task, as often as the cluster tries.

    >>> error = WorkerKilledError("task 4 f() lost 3 workers; does it need more memory?", task=4)
    >>> error.task
    4
    """


class InternalError(DhtaskError, RuntimeError):
    """A defect of dhtask, not of the program: please report it, with the whole message.

    >>> print(InternalError("version d1v1 has no writer"))
    version d1v1 has no writer (a defect of dhtask: please report it)
    """

    def __str__(self) -> str:
        return f"{super().__str__()} (a defect of dhtask: please report it)"


class InvalidTransitionError(InternalError):
    """The graph heard of something that cannot happen to a task in its state.

    Args:
        message: the task, its state and what was heard.
        task: number of the task.
        story: what happened to the task before, oldest first.

    >>> print(InvalidTransitionError("task 1 is ready: cannot finish", task=1, story=("call",)))
    task 1 is ready: cannot finish; before that: call (a defect of dhtask: please report it)
    """

    def __init__(self, message: str, *, task: int = 0, story: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.task = task
        self.story = story

    def __str__(self) -> str:
        told = ", ".join(self.story) or "nothing"
        return f"{self.args[0]}; before that: {told} (a defect of dhtask: please report it)"

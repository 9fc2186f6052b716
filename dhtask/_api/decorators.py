"""``@task`` and the decorators that add to it."""

from __future__ import annotations

import copyreg
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar, cast, overload

from dhtask._api.parsing import check_defaults, parse_task, read_failure
from dhtask._model.constraint import Constraint
from dhtask._model.direction import INOUT, Parameter
from dhtask._model.failure import FailureKind, FailurePolicy
from dhtask._model.function import TaskFunction
from dhtask._runtime.current import current_runtime
from dhtask._runtime.future import Future
from dhtask._runtime.specification import TaskSpec

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
F = TypeVar("F", bound=Callable[..., Any])

#: Attributes that ``@constraint`` and ``@on_failure`` leave on a function for a ``@task`` above them.
_CONSTRAINT: Final = "__dhtask_constraint__"
_FAILURE: Final = "__dhtask_failure__"


class Task(TaskFunction, Generic[P, R]):
    """A function whose calls are tasks while a runtime is open, and plain calls otherwise.

    Made by the decorator `task`; it keeps the name, the docstring and the signature of the function.
    """

    def __init__(self, spec: TaskSpec) -> None:
        self.spec = spec
        self.function = spec.function
        self._takes_returns = "returns" in spec.signature.parameters
        self.__wrapped__ = spec.function
        self.__name__ = spec.function.__name__
        self.__qualname__ = spec.function.__qualname__
        self.__module__ = spec.function.__module__
        self.__doc__ = spec.function.__doc__
        self.__annotations__ = getattr(spec.function, "__annotations__", {})
        self.__signature__ = spec.signature

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        runtime = current_runtime()
        if runtime is None:
            if kwargs and not self._takes_returns:
                kwargs.pop("returns", None)
            return cast("Future[R]", self.function(*args, **kwargs))
        return cast("Future[R]", runtime.call(self.spec, args, kwargs, is_method=False))

    def call_method(self, owner: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call as a method: the first argument has the direction of the target."""
        runtime = current_runtime()
        if runtime is None:
            if kwargs and not self._takes_returns:
                kwargs.pop("returns", None)
            return self.function(owner, *args, **kwargs)
        return runtime.call(
            self.spec, (owner, *args), kwargs, is_method=self.spec.binding == "plain"
        )

    @overload
    def __get__(self, instance: None, owner: type) -> Task[P, R]: ...
    @overload
    def __get__(
        self: Task[Concatenate[S, P], R], instance: S, owner: type | None = None
    ) -> Callable[P, Future[R]]: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if self.spec.binding == "static":
            return self
        if self.spec.binding == "class":
            return BoundTask(self, instance if isinstance(instance, type) else owner)
        # Up to Python 3.12 `classmethod` hands the class itself to the descriptor it wraps.
        return self if instance is None else BoundTask(self, instance)

    def __repr__(self) -> str:
        return f"<task {self.__module__}.{self.__qualname__}>"

    def __setstate__(self, spec: TaskSpec) -> None:
        Task.__init__(self, spec)

    def __reduce__(self) -> Any:
        if "<locals>" in self.__qualname__ or self.__module__ == "__main__":
            # In two steps: the function may refer to its own task.
            return copyreg.__newobj__, (Task,), self.spec  # type: ignore[attr-defined]  # pickle's own
        return _import_task, (self.__module__, self.__qualname__)


class BoundTask:
    """A task method together with the object it was read from."""

    __slots__ = ("__self__", "__weakref__", "_task")

    def __init__(self, task: Task[Any, Any], owner: object) -> None:
        self._task = task
        self.__self__ = owner

    @property
    def __func__(self) -> Task[Any, Any]:
        return self._task

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self._task.function.__get__(self.__self__)  # type: ignore[no-any-return]  # functions bind so

    @property
    def __name__(self) -> str:
        return self._task.__name__

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # an instance speaks for its function
        return self._task.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._task.call_method(self.__self__, args, kwargs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundTask):
            return NotImplemented
        return self._task is other._task and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((id(self._task), id(self.__self__)))

    def __repr__(self) -> str:
        return f"<bound {self._task!r} of {type(self.__self__).__name__} object>"


def _import_task(module: str, qualified_name: str) -> Any:
    """Find a task again by name, on any machine that can import its module."""
    import importlib

    found: Any = importlib.import_module(module)
    for part in qualified_name.split("."):
        found = inspect.getattr_static(found, part)
    return found.__func__ if isinstance(found, classmethod | staticmethod) else found


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(
    *,
    returns: object = None,
    priority: int | bool = 0,
    target_direction: Parameter = INOUT,
    on_failure: FailureKind | FailurePolicy | None = None,
    attempts: int | None = None,
    **directions: Parameter,
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    returns: object = None,
    priority: int | bool = 0,
    target_direction: Parameter = INOUT,
    on_failure: FailureKind | FailurePolicy | None = None,
    attempts: int | None = None,
    **directions: Parameter,
) -> Any:
    """Make the calls of a function tasks.

    Outside a runtime a call is the function itself. Inside one it returns at once with a `Future` (a list
    of them when there are several returned values, None when there is none) and runs on a worker as
    soon as its inputs exist.

    Works on functions, on instance, class and static methods (in either order of the decorators), with
    defaults, ``*args`` and ``**kwargs``.

    Args:
        function: the function, when the decorator is written without parentheses.
        returns: number of returned values, a type, or a tuple of types. Without it the return annotation
            says it, and without that the source: one value if it returns something, else none. A call may
            override it: ``f(x, returns=4)``.
        priority: of the tasks that are ready the highest priority runs first.
        target_direction: direction of ``self`` in an instance method.
        on_failure: ``"FAIL"``, ``"RETRY"``, ``"IGNORE"``, ``"CANCEL_SUCCESSORS"`` or a whole policy.
        attempts: how often a task with ``"RETRY"`` is run at most.
        directions: direction of each parameter by its name; a parameter that is not named is `IN`.

    Raises:
        TaskDefinitionError: a name is not a parameter, or a value means nothing here.

    Example:
        >>> import dhtask
        >>> @dhtask.task(total=dhtask.INOUT)
        ... def add(total: list[int], value: int) -> None:
        ...     total[0] += value
        >>> total = [1]
        >>> add(total, 2)
        >>> with dhtask.Runtime(executor="inline"):
        ...     add(total, 3)
        ...     dhtask.wait_on(total)
        [6]
    """

    def decorate(decorated: Any) -> Task[Any, Any]:
        declared, defaults = getattr(decorated, _FAILURE, (None, {}))
        spec = parse_task(
            decorated,
            returns=returns,
            priority=int(priority),
            target=target_direction,
            on_failure=declared if on_failure is None else on_failure,
            attempts=attempts,
            defaults=defaults,
            constraint=getattr(decorated, _CONSTRAINT, None),
            directions=directions,
        )
        return Task(spec)

    return decorate if function is None else decorate(function)


def constraint(*, computing_units: int = 1, memory_bytes: int | None = None) -> Callable[[F], F]:
    """Say what a task needs of the worker that runs it; goes above or below ``@task``.

    Args:
        computing_units: threads of one worker that the task keeps busy.
        memory_bytes: memory that the task needs at its peak.

    Raises:
        ConstraintError: a number is not positive; at the call, when no worker can ever meet it.

    Example:
        >>> import dhtask
        >>> @dhtask.constraint(computing_units=2)
        ... @dhtask.task
        ... def solve(n: int) -> int:
        ...     return n
        >>> solve(3)
        3
    """
    needed = Constraint(computing_units, memory_bytes)

    def decorate(decorated: F) -> F:
        if isinstance(decorated, Task):
            return cast("F", Task(replace(decorated.spec, constraint=needed)))
        setattr(decorated, _CONSTRAINT, needed)
        return decorated

    return decorate


def on_failure(
    policy: FailureKind | FailurePolicy,
    *,
    attempts: int | None = None,
    **defaults: Any,
) -> Callable[[F], F]:
    """Say what becomes of a run when the task raises; goes above or below ``@task``.

    Args:
        policy: ``"FAIL"``, ``"RETRY"``, ``"IGNORE"``, ``"CANCEL_SUCCESSORS"`` or a whole policy.
        attempts: how often a task with ``"RETRY"`` is run at most.
        defaults: what outputs get when the failure is ignored: ``returns=value`` for the returned value (a
            tuple when there are several), the name of a parameter for what the task writes there.

    Raises:
        TaskDefinitionError: the policy is none of these, or a default is for no output.

    Example:
        >>> import dhtask
        >>> @dhtask.on_failure("IGNORE", returns=-1)
        ... @dhtask.task
        ... def parse(text: str) -> int:
        ...     return int(text)
        >>> with dhtask.Runtime(executor="inline"):
        ...     dhtask.wait_on(parse("12"), parse("twelve"))
        [12, -1]
    """

    def decorate(decorated: F) -> F:
        if not isinstance(decorated, Task):
            chosen = read_failure(policy, attempts, getattr(decorated, "__qualname__", "?"))
            setattr(decorated, _FAILURE, (chosen, defaults))
            return decorated
        spec = decorated.spec
        check_defaults(spec.function, spec.signature, defaults)
        chosen = read_failure(policy, attempts, spec.name)
        return cast("F", Task(replace(spec, failure=chosen, defaults=defaults)))

    return decorate

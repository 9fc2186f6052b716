"""The runtime: takes calls, and is asked for what came of them."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Final

from dhtask._executors.base import Executor, Offer
from dhtask._executors.dask import DaskExecutor
from dhtask._executors.inline import InlineExecutor
from dhtask._executors.inside import is_inside_task
from dhtask._executors.portable import keep_classes
from dhtask._graph import TaskGraph
from dhtask._model.constraint import NO_CONSTRAINT, Constraint
from dhtask._model.direction import Direction
from dhtask._model.events import DatumDeleted, GroupCancelled, TaskCalled
from dhtask._model.invocation import Access, Invocation
from dhtask._model.observation import Observer, RunClosed, RunOpened
from dhtask._runtime.binding import Binder
from dhtask._runtime.calls import Call, FunctionStore
from dhtask._runtime.current import open_runtime, set_runtime
from dhtask._runtime.data import DataStore
from dhtask._runtime.future import Future
from dhtask._runtime.loop import Loop
from dhtask._runtime.observers import Observers
from dhtask._runtime.specification import CallPlan, TaskSpec
from dhtask._runtime.synchronising import Synchroniser
from dhtask.config import Config, ExecutorName, load_config
from dhtask.errors import ConfigurationError, ConstraintError, RuntimeStateError

#: States of a task that only the graph calls so.
_WORDS: Final = {"forgotten": "ended", "unknown": "called"}
_RETURN_SLOTS: Final = tuple(f"r{number}" for number in range(64))


class Runtime:
    """Runs the tasks that the program calls, in parallel, while it is open.

    Args:
        workers: worker processes of the embedded cluster; None takes one per core.
        cluster: address of a Dask scheduler to use instead, such as ``"tcp://10.0.0.1:8786"``.
        observers: told what happens, one observation at a time.
        executor: ``"dask"``; ``"inline"`` for the program's own process, one task after the other; or an executor
            such as `dhtask.testing.FakeExecutor`.
        settings: further settings of `dhtask.config.Config`, such as ``threads_per_worker=2``.

    Raises:
        ConfigurationError: a setting cannot be used.
        ClusterUnreachableError: nothing answers at the address of the cluster.
        RuntimeStateError: another runtime is open.

    Example:
        >>> import dhtask
        >>> @dhtask.task
        ... def square(x: int) -> int:
        ...     return x * x
        >>> with dhtask.Runtime(executor="inline"):
        ...     dhtask.wait_on([square(n) for n in range(4)])
        [0, 1, 4, 9]
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        cluster: str | None = None,
        observers: Iterable[Observer] = (),
        executor: ExecutorName | Executor | None = None,
        **settings: Any,
    ) -> None:
        chosen = executor if isinstance(executor, Executor) else None
        self.config = load_config(
            workers=workers,
            cluster=cluster,
            executor=None if chosen is not None else executor,
            **settings,
        )
        self._executor = chosen or _make_executor(self.config)
        self._observers = Observers(observers)
        self._offers: list[Offer] = []
        self._tasks = itertools.count(1)
        self._functions = FunctionStore()
        self._groups = threading.local()
        self._calling = threading.RLock()
        self._is_open = False
        self._was_opened = False
        self._directory: str | None = None
        self._owner = os.getpid()

    def open(self) -> Runtime:
        """Start the workers and take the calls of this process from now on."""
        other = open_runtime()
        if other is self:
            return self
        if other is not None or is_inside_task():
            raise RuntimeStateError(
                "a runtime is open already, and there is one at a time: call the tasks without opening another, "
                "or stop the first (dhtask.stop(), or the end of its `with` statement)"
            )
        if self._was_opened:
            raise RuntimeStateError("a runtime opens once; make another with dhtask.Runtime(...)")
        self._was_opened = True
        keep_classes()
        self._directory = self.config.working_directory or _make_directory(self.config)
        graph = TaskGraph(max_in_flight=self.config.max_in_flight, check=self.config.validate)
        self._graph = graph
        self._loop = Loop(graph, self._executor, self._observers, self._directory)
        self._data = DataStore(
            self._loop.append,
            lambda value: self.wait_on((value,), timeout=None)[0],
            lambda task: _WORDS.get(state := graph.state_of(task), state),
            self._directory,
        )
        self._loop.data = self._data
        self._sync = Synchroniser(self._loop, self._data, self._executor)
        try:
            self._executor.open(self._loop.tell)
            self._offers = self._executor.offers()
        except BaseException:
            self._executor.close()
            self._data.files.close()
            raise
        self._loop.start()
        self._is_open = True
        set_runtime(self)
        atexit.register(self._abandon)
        units = sum(offer.computing_units for offer in self._offers)
        self._loop.tell(RunOpened(time.time(), self._executor.name, len(self._offers), units))
        return self

    def __enter__(self) -> Runtime:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.stop()
        else:
            self.close()

    def stop(self) -> None:
        """Wait for all tasks, bring files home, end the workers; raise what failed if nobody has been told.

        Raises:
            The exception of the task that failed, unless `wait_on` or `barrier` raised it before.
        """
        if not self._is_open or os.getpid() != self._owner:
            return
        try:
            had_raised = self._sync.has_raised
            try:
                self._finish()
            except Exception:
                if not had_raised or self._loop.failure is None:
                    raise
        finally:
            self.close()

    def _finish(self) -> None:
        try:
            self._sync.barrier(None, None, "stop")
        except Exception:
            # What was written before the failure is there in plain Python, too.
            with contextlib.suppress(Exception):
                self._sync.bring_files_home(self._data.files.away(), None, "stop")
            raise
        self._sync.bring_files_home(self._data.files.away(), None, "stop")

    def close(self) -> None:
        """End the workers without waiting for tasks."""
        if not self._is_open:
            return
        self._is_open = False
        if os.getpid() != self._owner:
            # A forked child: everything belongs to the parent.
            return
        if open_runtime() is self:
            set_runtime(None)
        atexit.unregister(self._abandon)
        self._loop.tell(RunClosed(time.time()))
        self._loop.stop()
        self._executor.close()
        self._data.files.close()
        self._data.clear()

    def _abandon(self) -> None:
        """The interpreter ends and nobody stopped the runtime: its threads cannot be relied on any more."""
        if open_runtime() is not self:
            return
        set_runtime(None)
        self._is_open = False
        unfinished = len(self._loop.calls)
        self._executor.abandon()
        self._data.files.close()
        if unfinished:
            warnings.warn(
                f"the program ended without dhtask.stop(); {unfinished} tasks had not ended",
                RuntimeWarning,
                stacklevel=1,
            )

    @property
    def is_open(self) -> bool:
        """Whether it takes calls."""
        return self._is_open

    @property
    def dashboard_link(self) -> str | None:
        """Address of Dask's dashboard, None when there is none."""
        executor = self._executor
        return executor.dashboard_link if isinstance(executor, DaskExecutor) else None

    def call(
        self, spec: TaskSpec, args: tuple[Any, ...], kwargs: dict[str, Any], *, is_method: bool
    ) -> Any:
        """Take the call of a task and give its futures."""
        plan = spec.method_plan if is_method else spec.plan
        returns, returns_list = spec.returns, spec.returns_list
        if kwargs and "returns" in kwargs and "returns" not in spec.signature.parameters:
            returns = int(kwargs.pop("returns"))
            returns_list = returns > 1
        if kwargs or not plan.is_plain or not _fits(plan, len(args)):
            _check_arguments(spec, args, kwargs)
        if spec.constraint is not NO_CONSTRAINT:
            self._check_constraint(spec)
        binder = Binder(self._data, spec)
        arguments = binder.bind_positional(args, plan)
        keywords = binder.bind_keywords(kwargs, plan) if kwargs else {}
        call = Call(
            0, spec, arguments, keywords, returns, returns_list, self._functions.pickled(spec)
        )
        if not plan.is_input_only:
            call.scratch = frozenset(binder.scratch)
            call.blanks = binder.blanks
            call.elements = tuple(binder.elements)
            call.files = binder.files
            call.names = binder.names
        return self._enqueue(call, binder.accesses, binder.futures)

    def _enqueue(self, call: Call, accesses: list[Access], elements: Sequence[Future[Any]]) -> Any:
        spec, data, loop = call.spec, self._data, self._loop
        made = [data.new_datum() for _ in range(call.returns)]
        for datum, slot in zip(made, _RETURN_SLOTS, strict=False):
            accesses.append(Access(datum, Direction.OUT, slot))
        accesses.extend(
            Access(made[number], Direction.OUT, f"r{number}")
            for number in range(len(_RETURN_SLOTS), call.returns)
        )
        groups = tuple(getattr(self._groups, "names", ()))
        # Numbers of tasks rise in the order in which the graph hears of them.
        with self._calling:
            task = call.task = next(self._tasks)
            loop.calls[task] = call
            loop.names[task] = spec.name
            loop.append(
                TaskCalled(
                    Invocation(
                        task,
                        spec.name,
                        tuple(accesses),
                        spec.failure,
                        spec.priority,
                        spec.constraint,
                        groups,
                    )
                )
            )
        if call.returns == 1 and not call.returns_list:
            result: Any = Future(data, made[0], task, spec.name, spec)
        elif call.returns:
            result = [Future(data, datum, task, spec.name, None) for datum in made]
        else:
            result = None
        for future in elements:
            future._task = task  # noqa: SLF001 - the future is ours
        data.literals.trim()
        loop.notify()
        return result

    def _check_constraint(self, spec: TaskSpec) -> None:
        wanted = spec.constraint
        if any(_meets(offer, wanted) for offer in self._offers):
            return
        offered = ", ".join(sorted({_described(offer) for offer in self._offers}))
        asked = f"computing_units={wanted.computing_units}"
        if wanted.memory_bytes is not None:
            asked += f", memory_bytes={wanted.memory_bytes}"
        raise ConstraintError(
            f"task {spec.name} asks for {asked}, which no worker can ever give; the {len(self._offers)} workers "
            f"offer each: {offered}; ask for less, or open the runtime with threads_per_worker="
            f"{wanted.computing_units}"
        )

    def wait_on(self, values: Sequence[Any], *, timeout: float | None) -> list[Any]:
        """Bring values to the program."""
        return self._sync.wait_on(values, timeout, "wait_on")

    def wait_on_files(self, paths: Sequence[str], *, call: str, timeout: float | None) -> None:
        """Bring files to the program."""
        self._sync.bring_files_home(self._data.files.away(paths), timeout, call)

    def barrier(self, *, timeout: float | None) -> None:
        """Wait for all tasks and bring files home."""
        self._sync.barrier(None, timeout, "barrier")
        self._sync.bring_files_home(self._data.files.away(), timeout, "barrier")

    def barrier_group(self, name: str, *, timeout: float | None) -> None:
        """Wait for the tasks of a group."""
        self._sync.barrier(name, timeout, "barrier_group")

    def cancel_group(self, name: str) -> None:
        """Cancel the tasks of a group."""
        self._loop.tell(GroupCancelled(name))

    def enter_group(self, name: str) -> None:
        """Put the calls of this thread into a group, inside those it is in already."""
        self._groups.names = (*getattr(self._groups, "names", ()), name)

    def leave_group(self, name: str) -> None:
        """Take the calls of this thread out of a group."""
        names = list(getattr(self._groups, "names", ()))
        if name in names:
            del names[len(names) - 1 - names[::-1].index(name)]
        self._groups.names = tuple(names)

    def delete(self, things: Sequence[Any]) -> None:
        """Give up futures, objects and files."""
        for thing in things:
            if isinstance(thing, str | os.PathLike):
                self._delete_file(os.fspath(thing))
            else:
                self._data.delete(thing)
        self._loop.notify()

    def _delete_file(self, path: str) -> None:
        datum = self._data.files.forget(path)
        if datum is not None:
            self._loop.append(DatumDeleted(datum))
        if os.path.lexists(path):
            os.unlink(path)  # noqa: PTH108 - the same as outside a runtime


def _make_executor(config: Config) -> Executor:
    if config.executor == "inline":
        return InlineExecutor()
    cores = len(os.sched_getaffinity(0))
    workers = config.workers or max(1, cores // config.threads_per_worker)
    if config.cluster is not None and config.workers is not None:
        raise ConfigurationError(
            f"workers={config.workers!r} is for the embedded cluster, but cluster={config.cluster!r} has workers "
            "of its own; give one of the two"
        )
    if config.cluster is None and workers * config.threads_per_worker > cores:
        warnings.warn(
            f"{workers} workers of {config.threads_per_worker} threads were asked for where {cores} cores exist; "
            "they will wait for each other",
            RuntimeWarning,
            stacklevel=3,
        )
    return DaskExecutor(
        workers=workers,
        threads=config.threads_per_worker,
        address=config.cluster,
        connect_timeout=config.connect_timeout,
        dashboard=config.dashboard,
    )


def _make_directory(config: Config) -> str:
    # Workers of another machine see the folder of the program rather than its temporary one.
    parent = os.getcwd() if config.cluster is not None else None  # noqa: PTH109 - a string is wanted
    return tempfile.mkdtemp(prefix="dhtask-", dir=parent)


def _fits(plan: CallPlan, count: int) -> bool:
    return plan.required <= count and (count <= len(plan.positional) or plan.variadic is not None)


def _check_arguments(spec: TaskSpec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        spec.signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{spec.name}() {error}") from None


def _meets(offer: Offer, wanted: Constraint) -> bool:
    if offer.computing_units < wanted.computing_units:
        return False
    return (
        wanted.memory_bytes is None
        or offer.memory_bytes is None
        or wanted.memory_bytes <= offer.memory_bytes
    )


def _described(offer: Offer) -> str:
    if offer.memory_bytes is None:
        return f"computing_units={offer.computing_units}"
    return f"computing_units={offer.computing_units}, memory_bytes={offer.memory_bytes}"


def start(workers: int | None = None, **settings: Any) -> Runtime:
    """Open a runtime for the rest of the program, until `stop`; the open one is kept if there is one.

    Args:
        workers: worker processes of the embedded cluster; None takes one per core.
        settings: further arguments of `Runtime`.

    Raises:
        ConfigurationError: a setting cannot be used.
        ClusterUnreachableError: nothing answers at the address of the cluster.

    Example:
        >>> import dhtask
        >>> runtime = dhtask.start(executor="inline")
        >>> runtime is dhtask.start()
        True
        >>> dhtask.stop()
    """
    current = open_runtime()
    if current is not None:
        return current
    return Runtime(workers, **settings).open()


def stop() -> None:
    """Wait for all tasks, bring files home and end the workers; does nothing when no runtime is open.

    Raises:
        The exception of the task that failed, unless `wait_on` or `barrier` raised it before.

    Example:
        >>> import dhtask
        >>> dhtask.stop()
    """
    current = open_runtime()
    if current is not None:
        current.stop()

"""Tasks on a Dask cluster: the embedded one, or any that is reachable.

Every version is a key. A run with one output is its key; a run with several is a key that holds all of them, and a
key for each that picks it. Literals are keys too, whose task carries the pickled bytes, so that Dask can make anything
again from what is left when a worker dies. Bodies run in ``remote.execute``.
"""

from __future__ import annotations

import logging
import pickle
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any, ClassVar, Final

from dhtask._executors.base import Executor, Job, Offer, Sink, cannot_come_home
from dhtask._executors.embedded import EmbeddedCluster
from dhtask._executors.keys import KeyNames
from dhtask._executors.remote import (
    RemoteFailure,
    copy_on_worker,
    load_on_worker,
    pick,
    run_on_worker,
)
from dhtask._executors.whole import unpack
from dhtask._model.events import TaskBlocked, TaskFailed, TaskFinished
from dhtask._model.invocation import TaskId, Version
from dhtask._model.observation import TaskRan
from dhtask.errors import (
    ClusterError,
    ClusterUnreachableError,
    SerialisationError,
    WorkerKilledError,
)

#: Name of the resource that stands for the computing units of a worker.
UNITS: Final = "computing_units"
_CLOSE_TIMEOUT: Final = 5.0


class DaskExecutor(Executor):
    """Runs tasks on a Dask cluster.

    Args:
        workers: worker processes of the embedded cluster.
        threads: computing units of each.
        address: of a scheduler that is there already; None starts the embedded cluster.
        connect_timeout: seconds to wait for that scheduler.
        dashboard: whether the embedded cluster serves Dask's dashboard.
    """

    name: ClassVar[str] = "dask"

    def __init__(
        self,
        *,
        workers: int,
        threads: int = 1,
        address: str | None = None,
        connect_timeout: float = 5.0,
        dashboard: bool = False,
    ) -> None:
        self._workers = workers
        self._threads = threads
        self._address = address
        self._connect_timeout = connect_timeout
        self._dashboard = dashboard
        self._cluster: EmbeddedCluster | None = None
        self._client: Any = None
        self._sink: Sink = lambda _report: None
        self._run_name = uuid.uuid4().hex[:6]
        self._keys = KeyNames(self._run_name)
        #: Dask's handle of every version that somebody may still read.
        self._futures: dict[Version, Any] = {}
        #: Runs that have not been reported, by task and attempt: the name of the task.
        self._running: dict[tuple[TaskId, int], str] = {}
        #: Handles of the same runs.
        self._handles: dict[tuple[TaskId, int], Any] = {}
        self._declares_units = False
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def dashboard_link(self) -> str | None:
        """Where Dask's dashboard is."""
        return self._client.dashboard_link if self._client is not None else None

    def open(self, sink: Sink) -> None:
        self._sink = sink
        if self._address is None:
            self._cluster = EmbeddedCluster(self._workers, self._threads, dashboard=self._dashboard)
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> None:
        from distributed import Client
        from distributed.comm import get_address_host_port

        # They tell of what Dask does by itself when a worker dies, and of errors that are raised as well.
        for name in ("distributed.client", "distributed.protocol", "distributed.utils_comm"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        if self._cluster is not None:
            self._address = self._cluster.wait_until_ready()["address"]
        address = str(self._address)
        try:
            # A client that was never made cannot be closed, and its finalizer says so after ten seconds.
            get_address_host_port(address)
            self._client = Client(
                address, timeout=self._connect_timeout, set_as_default=False, name="dhtask"
            )
        except (OSError, ValueError) as error:
            raise ClusterUnreachableError(
                f"no Dask scheduler answered at {address!r} within {self._connect_timeout:g} s ({error}); check that "
                "it runs (`dask scheduler`), that the address is the one it prints, and that no firewall is between; "
                "without cluster= an embedded cluster is started"
            ) from error
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise ClusterError(
                f"the scheduler at {address!r} has no workers; start some with `dask worker {address}`"
            )
        self._declares_units = all(UNITS in w["resources"] for w in workers.values())
        self._client.subscribe_topic(self._topic, self._hear)

    @property
    def _topic(self) -> str:
        return f"dhtask-{self._run_name}"

    def _hear(self, event: tuple[float, Any]) -> None:
        _time, message = event
        if isinstance(message, tuple | list) and not self._is_closed:
            self._sink(TaskRan(*message))

    def submit(self, jobs: Sequence[Job]) -> None:
        # A job may read what one before it makes: batches keep the order.
        batch: list[Job] = []
        for job in jobs:
            if batch and self._group(batch[-1]) != self._group(job):
                self._submit(batch)
                batch = []
            batch.append(job)
        if batch:
            self._submit(batch)

    @staticmethod
    def _group(job: Job) -> tuple[int, int]:
        return job.run.priority, job.work.constraint.computing_units

    def _submit(self, jobs: Sequence[Job]) -> None:
        graph: dict[str, Any] = {}
        wanted: list[str] = []
        made: dict[Version, str] = {}
        for job in jobs:
            self._lay_out(job, graph, wanted, made)
        priority, units = self._group(jobs[0])
        resources = {UNITS: units} if self._declares_units and self._threads_matter else None
        handles = self._send(graph, wanted, priority=priority, resources=resources)
        for version, key in made.items():
            self._futures[version] = handles[key]
        for job in jobs:
            key = self._keys.task(job.work.name, job.run.task, job.run.attempt)
            with self._lock:
                self._handles[job.run.task, job.run.attempt] = handles[key]
            handles[key].add_done_callback(self._ended)

    @property
    def _threads_matter(self) -> bool:
        return self._cluster is None or self._threads > 1

    def _lay_out(
        self, job: Job, graph: dict[str, Any], wanted: list[str], made: dict[Version, str]
    ) -> None:
        """Add the Dask tasks of one run."""
        from dask._task_spec import Task, TaskRef

        run, work = job.run, job.work
        key = self._keys.task(work.name, run.task, run.attempt)
        reads = [
            TaskRef(made.get(read.version) or self._futures[read.version].key) for read in run.reads
        ]
        topic = self._topic if work.is_watched else ""
        packed = pickle.dumps((work, run), protocol=pickle.HIGHEST_PROTOCOL)
        graph[key] = Task(key, run_on_worker, packed, topic, *reads)
        wanted.append(key)
        if len(run.writes) == 1:
            made[run.writes[0].version] = key
        else:
            for position, write in enumerate(run.writes):
                picked = self._keys.pick(work.name, position, run.task, run.attempt)
                graph[picked] = Task(picked, pick, TaskRef(key), position)
                made[write.version] = picked
                wanted.append(picked)
        with self._lock:
            self._running[run.task, run.attempt] = work.name

    def _send(
        self,
        graph: dict[str, Any],
        keys: list[str],
        *,
        priority: int = 0,
        resources: dict[str, int] | None = None,
    ) -> dict[str, Any]:
        import dask
        from dask._expr import LLGExpr
        from distributed.spans import SpanMetadata

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            # What `Client.get` calls, which has no way to say that the order of the graph is the one wanted.
            handles: dict[str, Any] = self._client._graph_to_futures(  # noqa: SLF001 - as above
                LLGExpr(graph),
                keys,
                SpanMetadata(collections=[{"type": "low-level-graph"}]),
                internal_priority={key: place for place, key in enumerate(graph)},
                user_priority=priority,
                resources=resources,
                # Without a window of their own, graphs sent within a minute would share a priority.
                fifo_timeout=0,
            )
        return handles

    def _ended(self, handle: Any) -> None:
        """Report a run; called by a thread of Dask's client."""
        run = self._keys.run_of(handle.key)
        if run is None or self._is_closed:
            return
        with self._lock:
            self._handles.pop(run, None)
            name = self._running.pop(run, None)
        if name is None:
            return
        task, attempt = run
        if handle.status == "finished":
            self._sink(TaskFinished(task, attempt))
            return
        self._report_failure(task, attempt, name, _error_of(handle))

    def _report_failure(self, task: TaskId, attempt: int, name: str, error: BaseException) -> None:
        culprit: tuple[TaskId, int] | None
        reported: BaseException = error
        if isinstance(error, RemoteFailure):
            culprit = (error.task, error.attempt)
        else:
            dead = _killed_key(error)
            culprit = (task, attempt) if dead is None else self._keys.run_of(dead)
            if dead is not None:
                reported = _worker_killed(error, dead, culprit)
            elif isinstance(error, CancelledError):
                reported = ClusterError(
                    f"task {task} {name} was given up by the cluster: its scheduler has ended, or somebody cancelled it"
                )
            elif not isinstance(error, SerialisationError):
                reported = ClusterError(f"task {task} {name}: the cluster gave it up: {error!r}")
        if culprit is None or culprit == (task, attempt):
            self._sink(TaskFailed(task, attempt, reported))
            return
        with self._lock:
            is_told_elsewhere = culprit in self._running
        if not is_told_elsewhere:
            # Its outputs were lost after it had finished, and it failed when Dask ran it again.
            self._sink(TaskFailed(*culprit, reported))
        self._sink(TaskBlocked(task, attempt))

    def put(self, version: Version, data: bytes) -> None:
        from dask._task_spec import Task

        key = self._keys.data(version)
        self._futures[version] = self._send({key: Task(key, load_on_worker, data)}, [key])[key]

    def copy(self, source: Version, version: Version) -> None:
        from dask._task_spec import Task, TaskRef

        key = self._keys.data(version)
        graph = {key: Task(key, copy_on_worker, TaskRef(self._futures[source].key))}
        self._futures[version] = self._send(graph, [key])[key]

    def fetch(self, versions: Sequence[Version]) -> list[Any]:
        handles = [self._futures[version] for version in versions]
        try:
            found = self._client.gather(handles, direct=self._cluster is not None or None)
            return [unpack(value) for value in found]
        except RemoteFailure:
            raise
        except (TypeError, pickle.PicklingError, AttributeError) as error:
            raise cannot_come_home(error) from None
        except (CancelledError, OSError) as error:
            raise ClusterError(f"the cluster lost what was asked for: {error}") from error

    def release(self, versions: Sequence[Version]) -> None:
        for version in versions:
            handle = self._futures.pop(version, None)
            if handle is not None:
                handle.release()

    def cancel(self, task: TaskId, attempt: int) -> None:
        with self._lock:
            self._running.pop((task, attempt), None)
            handle = self._handles.pop((task, attempt), None)
        if handle is not None:
            # Dask does not run what nobody wants; the callback would keep the handle for ever.
            handle.release()

    def offers(self) -> list[Offer]:
        info = self._client.scheduler_info(n_workers=-1)["workers"]
        return [
            Offer(
                address,
                int(worker["resources"].get(UNITS, worker["nthreads"])),
                worker["memory_limit"] or None,
            )
            for address, worker in info.items()
        ]

    def close(self) -> None:
        self._is_closed = True
        self._futures.clear()
        self._handles.clear()
        if self._client is not None:
            client, self._client = self._client, None
            client.close(timeout=_CLOSE_TIMEOUT)
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None

    def abandon(self) -> None:
        self._is_closed = True
        # Dask's client notices that its scheduler is gone, and finds no thread to say so.
        for name in ("tornado.application", "distributed", "asyncio"):
            logging.getLogger(name).disabled = True
        if self._cluster is not None:
            self._cluster.close()


def _error_of(handle: Any) -> BaseException:
    if handle.status in {"cancelled", "lost"}:
        return CancelledError(handle.key)
    error = handle.exception()
    return error if isinstance(error, BaseException) else CancelledError(handle.key)


def _killed_key(error: BaseException) -> str | None:
    from distributed.scheduler import KilledWorker

    return str(error.task) if isinstance(error, KilledWorker) else None


def _worker_killed(error: Any, key: str, culprit: tuple[TaskId, int] | None) -> WorkerKilledError:
    task, attempt = culprit or (None, 0)
    name = key.rsplit("-t", 1)[0]
    return WorkerKilledError(
        f"task {task} {name} killed {error.allowed_failures + 1} workers, one after the other (the last was "
        f"{error.last_worker.name!r}): does it need more memory than there is, or does it crash the interpreter?",
        task=task,
        name=name,
        attempt=attempt,
    )

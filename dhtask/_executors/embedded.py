"""The embedded cluster: a process of its own that holds Dask's scheduler and looks after the workers.

It is not a child of the terminal's process group, so Ctrl-C reaches only the program; and it ends, with all its
workers, as soon as the program is gone, however that came about: it reads a pipe that only the program holds.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Final

from dhtask.errors import ClusterError

_START_TIMEOUT: Final = 60.0
_STOP_TIMEOUT: Final = 10.0
#: What workers get to end by themselves.
_GRACE: Final = 1.0
#: How often the cluster looks whether its parent is still the program.
_POLL_SECONDS: Final = 1.0

#: Spawned workers import no main module when there is no file that holds it.
_SCRIPT: Final = """
import json, sys
settings = json.loads(sys.argv[1])
sys.path[:] = settings["path"]
from dhtask._executors.embedded import serve
serve(settings, int(sys.argv[2]))
"""

#: ``worker-saturation`` as Dask has it holds back root tasks, which costs a third of the throughput here.
_DASK_CONFIG: Final[dict[str, Any]] = {
    "distributed.scheduler.worker-saturation": "inf",
    "distributed.scheduler.allowed-failures": 3,
    # Dask goes on trying to reach a worker that has died until this is over.
    "distributed.comm.timeouts.connect": "10s",
    "distributed.admin.large-graph-warning-threshold": "1TB",
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.limit": "1h",
}
#: Dask's log tells of what a program does on purpose, and of errors that the program gets as well. Levels are set
#: while Dask is imported, in the workers too.
_QUIET: Final = {
    "DASK_LOGGING": repr(
        dict.fromkeys(("distributed", "distributed.client", "bokeh"), "critical")
        | {"distributed.protocol": logging.CRITICAL + 1}
    )
}


class EmbeddedCluster:
    """Starts the process, and ends it.

    Args:
        workers: number of worker processes.
        threads: threads of each.
        dashboard: whether to serve Dask's dashboard.
    """

    def __init__(self, workers: int, threads: int, *, dashboard: bool) -> None:
        self._directory = tempfile.mkdtemp(prefix="dhtask-workers-")
        settings = {
            "directory": self._directory,
            "workers": workers,
            "threads": threads,
            "dashboard": dashboard,
            "path": sys.path,
            "parent": os.getpid(),
        }
        self._owner = os.getpid()
        read_end, write_end = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and a script of ours
                [sys.executable, "-c", _SCRIPT, json.dumps(settings), str(write_end)],
                stdin=subprocess.PIPE,
                pass_fds=(write_end,),
                start_new_session=True,
                env={**_QUIET, **os.environ},
            )
        finally:
            os.close(write_end)
        self._ready = read_end

    def wait_until_ready(self) -> dict[str, str]:
        """Address of the scheduler, and of the dashboard if there is one."""
        text = b""
        deadline = time.monotonic() + _START_TIMEOUT
        try:
            while not text.endswith(b"\n"):
                readable, _, _ = select.select([self._ready], [], [], deadline - time.monotonic())
                piece = os.read(self._ready, 65536) if readable else b""
                if not piece:
                    self.close()
                    raise ClusterError(
                        f"the embedded cluster did not start within {_START_TIMEOUT:.0f} s or ended at once; "
                        "what it printed above says why"
                    )
                text += piece
        finally:
            os.close(self._ready)
        return json.loads(text)  # type: ignore[no-any-return]  # written by serve

    def close(self) -> None:
        """End the process and its workers."""
        if self._owner != os.getpid():
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_TIMEOUT)
        self._end_group()
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _end_group(self) -> None:
        """What is left of the process group: workers that did not listen, Python's own resource tracker."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def serve(settings: dict[str, Any], ready: int) -> None:
    """Be the cluster until the program is gone."""
    import dask

    dask.config.set(_DASK_CONFIG)
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=settings["workers"],
        threads_per_worker=settings["threads"],
        processes=True,
        host="127.0.0.1",
        dashboard_address=":0" if settings["dashboard"] else None,
        # Without a dashboard there is a server of metrics all the same: it must not insist on a port.
        scheduler_kwargs={"dashboard_address": ":0"},
        memory_limit=0,
        silence_logs=logging.CRITICAL,
        resources={"computing_units": settings["threads"]},
        death_timeout=_START_TIMEOUT,
        local_directory=settings["directory"],
        preload=["dhtask._executors.remote"],
    ) as cluster:
        told = {"address": cluster.scheduler_address}
        if settings["dashboard"]:
            told["dashboard"] = cluster.dashboard_link
        os.write(ready, json.dumps(told).encode() + b"\n")
        os.close(ready)
        _outlive_nobody(settings["parent"])
        _end_whatever_happens(settings["directory"])


def _outlive_nobody(parent: int) -> None:
    while os.getppid() == parent:
        readable, _, _ = select.select([0], [], [], _POLL_SECONDS)
        if readable and not os.read(0, 1):
            return


def _end_whatever_happens(directory: str) -> None:
    """Dask waits for the bodies that still run. The process group is ours alone, so all of it is ended soon."""

    def end() -> None:
        time.sleep(_GRACE)
        shutil.rmtree(directory, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=end, daemon=True).start()

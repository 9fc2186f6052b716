"""Which runtime takes the calls of this process: at most one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dhtask._executors.inside import is_inside_task

if TYPE_CHECKING:
    from dhtask._runtime.runtime import Runtime


class _Current:
    """The open runtime of this process, None in a child that was forked from it."""

    __slots__ = ("runtime",)

    def __init__(self) -> None:
        self.runtime: Runtime | None = None


_CURRENT = _Current()


def current_runtime() -> Runtime | None:
    """The runtime that takes a call made here; None inside a task body and where none is open."""
    runtime = _CURRENT.runtime
    return None if runtime is None or is_inside_task() else runtime


def open_runtime() -> Runtime | None:
    """The open runtime of this process, also when asked inside a task body."""
    return _CURRENT.runtime


def set_runtime(runtime: Runtime | None) -> None:
    """Make a runtime the one that takes calls."""
    _CURRENT.runtime = runtime


def _forget() -> None:
    _CURRENT.runtime = None


# A forked child shares the sockets of its parent but not its threads: tasks run as plain Python there.
os.register_at_fork(after_in_child=_forget)

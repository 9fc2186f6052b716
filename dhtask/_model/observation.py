"""What a run tells those who watch it: progress, graph drawing, timeline, summary.

The runtime emits observations in the order in which it learns of things; times are seconds since the
epoch as read on the machine where the thing happened. An observer receives them one at a time, never
concurrently, and must return quickly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

#: How a task ended. ``ignored``: it failed and its policy was IGNORE. ``cancelled``: it never ran to its end.
Outcome = Literal["finished", "failed", "ignored", "cancelled"]


@dataclass(frozen=True, slots=True)
class RunOpened:
    """The runtime is ready to take tasks."""

    time: float
    #: Name of the executor: ``inline`` or ``dask``.
    executor: str
    #: Number of workers at the start.
    workers: int
    #: Computing units (threads) of all workers together.
    computing_units: int


@dataclass(frozen=True, slots=True)
class TaskCalled:
    """The program called a task."""

    task: int
    #: Qualified name of the function, without its module.
    name: str
    time: float
    #: Tasks whose results this one reads, each with the label of the datum (``d3v1``).
    parents: tuple[tuple[int, str], ...]
    #: Names of the enclosing task groups, outermost first.
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskSent:
    """The task was handed to the executor; it runs when its inputs are there and a worker is free."""

    task: int
    attempt: int
    time: float


@dataclass(frozen=True, slots=True)
class TaskRan:
    """A worker ran the body of a task once; arrives some time after the fact."""

    task: int
    attempt: int
    #: Address or name of the worker.
    worker: str
    #: Seconds since the epoch on the worker.
    start: float
    stop: float
    #: Bytes of the inputs and of the outputs, as far as they can be told cheaply.
    bytes_in: int
    bytes_out: int
    #: False when the body raised.
    succeeded: bool


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """The task will not run again."""

    task: int
    outcome: Outcome
    time: float
    #: ``TypeName: message`` of the exception, empty when there was none.
    error: str = ""


@dataclass(frozen=True, slots=True)
class Synchronised:
    """The program waited for results."""

    #: What it called: ``wait_on``, ``barrier``, ``open`` ...
    call: str
    #: Tasks it waited for.
    tasks: tuple[int, ...]
    start: float
    stop: float


@dataclass(frozen=True, slots=True)
class RunClosed:
    """The runtime stopped; nothing follows."""

    time: float


Observation = RunOpened | TaskCalled | TaskSent | TaskRan | TaskEnded | Synchronised | RunClosed


class Observer(Protocol):
    """Anything that wants to know what happens in a run."""

    def observe(self, observation: Observation, /) -> None:
        """Take one observation."""
        ...

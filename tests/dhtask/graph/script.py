"""Short ways to write events and to read instructions, for tests that tell one story each."""

from __future__ import annotations

from typing import TypeVar

from dhtask._graph import TaskGraph
from dhtask._model.direction import Direction
from dhtask._model.events import Event, TaskCalled
from dhtask._model.failure import FAIL, FailurePolicy
from dhtask._model.instructions import Cancel, Instruction, Release, Run, Submit
from dhtask._model.invocation import Access, Invocation

T = TypeVar("T")

IN, OUT, INOUT = Direction.IN, Direction.OUT, Direction.INOUT
COMMUTATIVE, CONCURRENT = Direction.COMMUTATIVE, Direction.CONCURRENT


def graph(max_in_flight: int = 10_000) -> TaskGraph:
    return TaskGraph(max_in_flight=max_in_flight, check=True)


def called(
    task: int,
    *accesses: tuple[int, Direction],
    failure: FailurePolicy = FAIL,
    priority: int = 0,
    groups: tuple[str, ...] = (),
) -> TaskCalled:
    slots = tuple(Access(datum, kind, f"s{i}") for i, (datum, kind) in enumerate(accesses))
    return TaskCalled(Invocation(task, f"f{task}", slots, failure, priority, groups=groups))


def tell(graph: TaskGraph, *events: Event) -> list[Instruction]:
    return [instruction for event in events for instruction in graph.handle(event)]


def only(kind: type[T], instructions: list[Instruction]) -> list[T]:
    return [instruction for instruction in instructions if isinstance(instruction, kind)]


def runs(instructions: list[Instruction]) -> list[Run]:
    return [run for submit in only(Submit, instructions) for run in submit.runs]


def sent(instructions: list[Instruction]) -> list[tuple[int, int]]:
    return [(run.task, run.attempt) for run in runs(instructions)]


def cancelled(instructions: list[Instruction]) -> list[tuple[int, int]]:
    return [(cancel.task, cancel.attempt) for cancel in only(Cancel, instructions)]


def released(instructions: list[Instruction]) -> list[str]:
    return [release.version.label for release in only(Release, instructions)]


def reads(run: Run) -> list[str]:
    return [read.version.label for read in run.reads]


def writes(run: Run) -> list[str]:
    return [write.version.label for write in run.writes]

"""Which tasks the program has called and not waited for: what a barrier is drawn to wait for."""

from __future__ import annotations

from collections.abc import Iterable


class Roll:
    """The tasks that the program has called and not waited for.

    Whoever waits for a task waits for what it reads, too.
    """

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        #: Predecessors and groups of each task.
        self._tasks: dict[int, tuple[tuple[int, ...], tuple[str, ...]]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, task: int, parents: tuple[int, ...], groups: tuple[str, ...]) -> None:
        """Put down a task that was called."""
        self._tasks[task] = (parents, groups)

    def strike(self, tasks: Iterable[int]) -> None:
        """Take out tasks that were waited for, with their predecessors."""
        pending = list(tasks)
        while pending:
            parents, _groups = self._tasks.pop(pending.pop(), ((), ()))
            pending.extend(parents)

    def members(self, group: str | None) -> tuple[int, ...]:
        """The tasks that a barrier of a group, or of everything, waits for."""
        if group is None:
            return tuple(self._tasks)
        return tuple(task for task, (_parents, groups) in self._tasks.items() if group in groups)

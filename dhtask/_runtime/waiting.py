"""What the program waits for: tickets that the graph answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import final

from dhtask._model.instructions import Deliver


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to a wait for a barrier."""

    ticket: int
    #: Those it waited for, where somebody watches.
    tasks: tuple[int, ...]


Answer = Deliver | Opened


@final
class Wait:
    """One wait of the program, for any number of tickets."""

    __slots__ = ("_event", "_missing", "answers")

    def __init__(self, tickets: list[int]) -> None:
        self.answers: dict[int, Answer] = {}
        self._missing = set(tickets)
        self._event = threading.Event()
        if not tickets:
            self._event.set()

    @property
    def tasks(self) -> tuple[int, ...]:
        """The tasks that were waited for."""
        found: dict[int, None] = {}
        for answer in self.answers.values():
            found.update(
                dict.fromkeys(answer.makers if isinstance(answer, Deliver) else answer.tasks)
            )
        return tuple(found)

    @property
    def is_over(self) -> bool:
        """Whether every ticket has been answered, or never will be."""
        return self._event.is_set()

    def answer(self, answer: Answer) -> None:
        """Take the answer to one ticket."""
        self.answers[answer.ticket] = answer
        self._missing.discard(answer.ticket)
        if not self._missing:
            self._event.set()

    def give_up(self) -> None:
        """Say that no more answers come."""
        self._event.set()

    def sleep(self, timeout: float | None) -> bool:
        """Wait; False when the time was over first."""
        return self._event.wait(timeout)

"""One call of a task, as the graph sees it: numbers and names, never user objects.

Versions, accesses and invocations are named tuples, not dataclasses: the runtime makes several of them in every
call and hashes them, which costs a tuple a fifth of the time.
"""

from __future__ import annotations

from typing import NamedTuple

from dhtask._model.constraint import NO_CONSTRAINT, Constraint
from dhtask._model.direction import Direction
from dhtask._model.failure import FAIL, FailurePolicy

#: Number of a task: the order of the calls.
TaskId = int
#: Number of a datum: whatever is tracked by identity.
DatumId = int


class Version(NamedTuple):
    """One content of a datum; every write makes another."""

    datum: DatumId
    #: From 1; 1 is what the program put there, or the first thing a task wrote.
    number: int

    @property
    def label(self) -> str:
        """Short name in drawings, keys and messages: ``d3v1``."""
        return f"d{self.datum}v{self.number}"


class Access(NamedTuple):
    """That a task uses a datum."""

    datum: DatumId
    direction: Direction
    #: Where in the arguments or results it is; the runtime's own notation, unique within the task.
    slot: str


class Invocation(NamedTuple):
    """One call of a task.

    Every returned value is an OUT access of a new datum. A datum may appear in several slots of one task.
    """

    task: TaskId
    #: Qualified name of the function, without its module.
    name: str
    accesses: tuple[Access, ...]
    failure: FailurePolicy = FAIL
    #: Higher is sooner.
    priority: int = 0
    constraint: Constraint = NO_CONSTRAINT
    #: Names of the enclosing task groups, outermost first.
    groups: tuple[str, ...] = ()

"""How a task uses a parameter.

``Direction`` is what the graph reasons about, ``Kind`` is how the runtime finds the data in the argument;
a ``Parameter`` is both, and is what a program writes in ``@task(x=INOUT)``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from dhtask.errors import TaskDefinitionError


class Direction(Enum):
    """What a task does with a datum."""

    #: Reads it. Changes are never seen outside the task.
    IN = "in"
    #: Replaces it without looking at it.
    OUT = "out"
    #: Reads it and makes its next version.
    INOUT = "inout"
    #: As INOUT, but such tasks in a row may run in any order, one at a time.
    COMMUTATIVE = "commutative"
    #: Such tasks in a row run together; what comes after waits for all of them.
    CONCURRENT = "concurrent"


class Kind(Enum):
    """Where in an argument the data are."""

    #: The argument itself.
    OBJECT = "object"
    #: The file that the argument names.
    FILE = "file"
    #: The elements of the argument, ``depth`` lists deep.
    COLLECTION = "collection"


@dataclass(frozen=True, slots=True)
class Parameter:
    """How a task uses one of its parameters.

    Args:
        direction: what the task does with it.
        kind: where in the argument the data are.
        depth: how many lists deep the elements of a collection lie; 1 for anything else.

    Raises:
        TaskDefinitionError: if the depth is not a positive number, or of no use to this kind.

    >>> COLLECTION_IN(depth=2).depth
    2
    """

    direction: Direction
    kind: Kind = Kind.OBJECT
    depth: int = 1

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise TaskDefinitionError(f"depth must be at least 1, found {self.depth!r}")
        if self.depth > 1 and self.kind is not Kind.COLLECTION:
            raise TaskDefinitionError(
                f"depth={self.depth!r} needs a collection, not a {self.kind.value}"
            )

    def __call__(self, *, depth: int) -> Parameter:
        """Give the same parameter with another depth."""
        return replace(self, depth=depth)

    def __str__(self) -> str:
        prefix = "" if self.kind is Kind.OBJECT else f"{self.kind.name}_"
        return f"{prefix}{self.direction.name}"


IN = Parameter(Direction.IN)
OUT = Parameter(Direction.OUT)
INOUT = Parameter(Direction.INOUT)
COMMUTATIVE = Parameter(Direction.COMMUTATIVE)
CONCURRENT = Parameter(Direction.CONCURRENT)
FILE_IN = Parameter(Direction.IN, Kind.FILE)
FILE_OUT = Parameter(Direction.OUT, Kind.FILE)
FILE_INOUT = Parameter(Direction.INOUT, Kind.FILE)
COLLECTION_IN = Parameter(Direction.IN, Kind.COLLECTION)
COLLECTION_OUT = Parameter(Direction.OUT, Kind.COLLECTION)
COLLECTION_INOUT = Parameter(Direction.INOUT, Kind.COLLECTION)

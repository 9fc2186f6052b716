"""What a task needs of the worker that runs it."""

from __future__ import annotations

from dataclasses import dataclass

from dhtask.errors import ConstraintError


@dataclass(frozen=True, slots=True)
class Constraint:
    """What a task needs of the worker that runs it.

    Args:
        computing_units: threads of one worker that the task keeps busy.
        memory_bytes: memory that the task needs at its peak; ``None`` when it does not say.

    Raises:
        ConstraintError: if a number is not positive.
    """

    computing_units: int = 1
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.computing_units < 1:
            raise ConstraintError(
                f"computing_units must be at least 1, found {self.computing_units!r}"
            )
        if self.memory_bytes is not None and self.memory_bytes < 1:
            raise ConstraintError(f"memory_bytes must be positive, found {self.memory_bytes!r}")


#: Any worker will do.
NO_CONSTRAINT = Constraint()

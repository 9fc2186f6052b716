"""What becomes of a run when one of its tasks fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from dhtask.errors import TaskDefinitionError

FailureKind = Literal["FAIL", "RETRY", "IGNORE", "CANCEL_SUCCESSORS"]
LastResort = Literal["FAIL", "IGNORE", "CANCEL_SUCCESSORS"]


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """What becomes of a run when a task raises.

    ``FAIL``: the run stops taking work and the program gets the exception. ``RETRY``: the task runs again with the same
    inputs, ``attempts`` times in all, then ``then`` applies. ``IGNORE``: its outputs get their defaults and its
    successors run. ``CANCEL_SUCCESSORS``: its outputs get their defaults and whatever reads them is cancelled.

    Args:
        kind: which of the four.
        attempts: how many times the body may run in all; used by ``RETRY`` alone.
        then: what follows the last failure of ``RETRY``.

    Raises:
        TaskDefinitionError: if a value is none of these.
    """

    kind: FailureKind = "FAIL"
    attempts: int = 3
    then: LastResort = "FAIL"

    def __post_init__(self) -> None:
        if self.kind not in get_args(FailureKind):
            raise TaskDefinitionError(
                f"on_failure must be one of {get_args(FailureKind)}, found {self.kind!r}"
            )
        if self.then not in get_args(LastResort):
            raise TaskDefinitionError(
                f"then must be one of {get_args(LastResort)}, found {self.then!r}"
            )
        if self.attempts < 1:
            raise TaskDefinitionError(f"attempts must be at least 1, found {self.attempts!r}")


#: The policy of a task that says nothing.
FAIL = FailurePolicy()

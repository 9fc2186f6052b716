"""What a metric counts: a frozen figure that adds up, so any split of a set gives the figure of the whole.

::

    measure(part 1) ── tally ─┐
    measure(part 2) ── tally ─┼─ merge ── tally ── result ── 0.87
    measure(part 3) ── tally ─┘
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self, TypeVar, final

from dhcore.errors import OperationError


class Tally(ABC):
    """Counts of one part of a set."""

    __slots__ = ()

    @abstractmethod
    def merged(self, other: Self) -> Self:
        """The tally of both parts together; ``self`` and ``other`` stay as they are."""


AnyTally = TypeVar("AnyTally", bound=Tally)


def merge(first: AnyTally, second: AnyTally) -> AnyTally:
    """The tally of two parts of a set together; associative and commutative.

    Args:
        first, second: what one metric measured on two disjoint parts.

    Raises:
        OperationError: the tallies count different things.

    >>> merge(Average(3.0, 2.0), Average(1.0, 2.0))
    Average(total=4.0, weight=4.0)
    """
    if type(first) is not type(second):
        raise OperationError(
            f"only tallies of one metric merge, got {type(first).__name__} and {type(second).__name__}"
        )
    return first.merged(second)


@final
@dataclass(frozen=True, slots=True)
class Average(Tally):
    """A weighted mean in the making; the mean of nothing is not a number.

    >>> Average(3.0, 2.0).value
    1.5
    """

    #: Weighted sum of the values.
    total: float = 0.0
    #: Sum of the weights.
    weight: float = 0.0

    def merged(self, other: Average) -> Average:
        """The average over both parts."""
        return Average(self.total + other.total, self.weight + other.weight)

    @property
    def value(self) -> float:
        """The mean."""
        return self.total / self.weight if self.weight else float("nan")

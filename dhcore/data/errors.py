"""What can go wrong with a dataset.

DatasetFileError     a description with problems; all of them, each with its place
SampleError          one sample that cannot be loaded
SplitError           a split that cannot be made
  LeakError          a group, or a file, on two sides of a split
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dhcore.errors import DhcoreError

__all__ = ["DatasetFileError", "LeakError", "Problem", "SampleError", "SplitError"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, and where.

    >>> print(Problem(Path("set.yml"), 12, "image 3", "no such file: 'a.png'"))
    set.yml:12: image 3: no such file: 'a.png'
    """

    #: The dataset file.
    path: Path
    #: Line in it, from one; 0 when the dataset did not come from a file.
    line: int
    #: The entry, as "image 3" or "split test"; images count from zero.
    entry: str
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return (
            f"{place}: {self.entry}: {self.message}" if self.entry else f"{place}: {self.message}"
        )


class DatasetFileError(DhcoreError, ValueError):
    """A dataset description that cannot be used as it is.

    Args:
        problems: everything that is wrong, at least one.

    >>> print(DatasetFileError([Problem(Path("set.yml"), 0, "", "no such file")]))
    set.yml: no such file
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        return lines[0] if len(lines) == 1 else "\n".join([f"{len(lines)} problems", *lines])


class SampleError(DhcoreError, ValueError):
    """A sample of a dataset cannot be loaded.

    Args:
        problem: what and where.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return str(self.problem)


class SplitError(DhcoreError, ValueError):
    """A split that was asked for cannot be made."""


class LeakError(SplitError):
    """A patient, or a file, is on two sides of a split, so that a test would be answered from memory."""

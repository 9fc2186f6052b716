"""What goes wrong with stored states."""

from __future__ import annotations

from pathlib import Path
from typing import final

from dhcore.errors import DhcoreError


@final
class StateFormatError(DhcoreError, ValueError):
    """Bytes that are not a whole state of a version that can be read.

    Args:
        source: where the bytes came from.
        problem: what is wrong with them.

    >>> print(StateFormatError("weights.state", "ends too early"))
    weights.state: ends too early
    """

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(source, problem)
        self.source = source
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.source}: {self.problem}"


@final
class DiskFullError(DhcoreError, OSError):
    """There is no room for a state; what was at the path before is still there.

    Args:
        path: where it was to be written.
        needed: bytes of the state.
        reason: the operating system's words.

    >>> print(DiskFullError(Path("weights.state"), 1000, "No space left on device"))
    weights.state: 1,000 bytes do not fit (No space left on device); the file there before is intact
    """

    def __init__(self, path: Path, needed: int, reason: str) -> None:
        super().__init__(path, needed, reason)
        self.path = path
        self.needed = needed
        self.reason = reason

    def __reduce__(self) -> tuple[type[DiskFullError], tuple[Path, int, str]]:
        return type(self), (self.path, self.needed, self.reason)

    def __str__(self) -> str:
        return f"{self.path}: {self.needed:,} bytes do not fit ({self.reason}); the file there before is intact"

"""Whether the code that runs now is the body of a task: a task called there runs inline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_INSIDE: Final[ContextVar[bool]] = ContextVar("dhtask_inside_a_task", default=False)

is_inside_task = _INSIDE.get


@contextmanager
def inside_task() -> Iterator[None]:
    """Mark the body of a ``with`` statement as the body of a task."""
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)

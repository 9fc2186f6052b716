"""Silence while decoders work.

`warnings.catch_warnings` saves and restores a list that all threads share: when two threads overlap, the one that
leaves last restores what the other had changed, and the process stays silent for good. Here the first to enter saves
and the last to leave restores.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Quiet:
    """Switches warnings off for as long as anybody wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._saved: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.simplefilter("ignore")
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._saved.__exit__(None, None, None)

"""A line that says how far an epoch is."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Final, final

_WIDTH: Final = 24
#: Seconds between two drawings.
_PAUSE: Final = 0.1


@final
class Progress:
    """Draws ``epoch 2/5 [=====>    ] 12/40  loss 0.5321`` over itself on the standard error stream."""

    def __init__(self, epoch: str, batches: int, *, visible: bool | None) -> None:
        self._epoch = epoch
        self._batches = batches
        self._visible = sys.stderr.isatty() if visible is None else visible
        self._drawn = 0.0
        self._length = 0

    def show(self, done: int, figures: Mapping[str, float]) -> None:
        """Redraw, unless it was drawn a moment ago."""
        now = time.monotonic()
        if not self._visible or (now - self._drawn < _PAUSE and done < self._batches):
            return
        self._drawn = now
        filled = _WIDTH * done // self._batches
        bar = "=" * filled + ">" * (filled < _WIDTH) + " " * (_WIDTH - filled - 1)
        listed = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        self._write(f"epoch {self._epoch} [{bar}] {done}/{self._batches}  {listed}")

    def finish(self, line: str) -> None:
        """Replace the bar by the epoch's figures."""
        if self._visible:
            self._write(line)
            sys.stderr.write("\n")

    def _write(self, line: str) -> None:
        sys.stderr.write("\r" + line.ljust(self._length))
        sys.stderr.flush()
        self._length = len(line)

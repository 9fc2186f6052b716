"""What a person sees while a model trains: one line an epoch."""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO, final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from dhtask.training.result import EpochRecord


class TrainingObserver(Protocol):
    """Anything that wants to know how a training goes on; called from the program's thread."""

    def epoch_began(self, epoch: int, epochs: int, steps: int) -> None:
        """An epoch of so many steps is the next to end."""
        ...

    def epoch_ended(self, record: EpochRecord, epochs: int) -> None:
        """The figures of an epoch are there, and its checkpoint is written."""
        ...

    def training_ended(self) -> None:
        """The training is over, or was given up; called in any case."""
        ...


@final
class Silence:
    """Says nothing.

    Example:
        >>> Silence().epoch_began(0, 1, 10)
    """

    def epoch_began(self, epoch: int, epochs: int, steps: int) -> None:
        """Say nothing."""

    def epoch_ended(self, record: EpochRecord, epochs: int) -> None:
        """Say nothing."""

    def training_ended(self) -> None:
        """Say nothing."""


@final
class EpochLines:
    """One line an epoch: a live one on a terminal, plain text elsewhere.

    Args:
        file: where to write; standard output by default.
        unit: what a sample is called.

    Example:
        >>> from dhtask.training import EpochRecord
        >>> record = EpochRecord(0, 0.5, {"loss": 0.4, "dice": 0.8}, samples=90, steps=9, seconds=3.0)
        >>> EpochLines(sys.stdout).epoch_ended(record, 4)
        epoch 1/4  loss 0.5000  validation loss 0.4000  dice 0.8000  30 images/s  0:00:09 left
    """

    def __init__(self, file: TextIO | None = None, *, unit: str = "images") -> None:
        self._console = Console(file=file or sys.stdout, highlight=False, soft_wrap=True)
        self._unit = unit
        self._seconds: list[float] = []
        self._live: Live | None = None

    def epoch_began(self, epoch: int, epochs: int, steps: int) -> None:
        """Show on a terminal that the epoch runs, and how long it may take."""
        if self._console.is_terminal:
            running = _RunningEpoch(epoch, epochs, steps, self._expected)
            self._live = Live(running, console=self._console, transient=True, refresh_per_second=4)
            self._live.start()

    def epoch_ended(self, record: EpochRecord, epochs: int) -> None:
        """Replace the live line by the figures."""
        self.training_ended()
        self._seconds.append(record.seconds)
        self._console.print(self._line(record, epochs))

    def training_ended(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def _expected(self) -> float | None:
        return sum(self._seconds) / len(self._seconds) if self._seconds else None

    def _line(self, record: EpochRecord, epochs: int) -> str:
        figures = [f"epoch {record.epoch + 1}/{epochs}", f"loss {record.training_loss:.4f}"]
        figures += [
            f"{'validation loss' if name == 'loss' else name} {value:.4f}"
            for name, value in record.validation.items()
        ]
        left = (self._expected or 0.0) * (epochs - record.epoch - 1)
        figures += [f"{record.samples_per_second:.0f} {self._unit}/s", f"{clock(left)} left"]
        return "  ".join(figures)


class _RunningEpoch:
    """The live line: redrawn by rich, so it shows the time by itself."""

    def __init__(self, epoch: int, epochs: int, steps: int, expected: float | None) -> None:
        self._head = f"epoch {epoch + 1}/{epochs}  {steps} steps"
        self._expected = expected
        self._began = time.monotonic()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The line as it is now."""
        passed = clock(time.monotonic() - self._began)
        of = "" if self._expected is None else f" of about {clock(self._expected)}"
        yield Text(f"{self._head}  {passed}{of}", style="dim")


def clock(seconds: float) -> str:
    """Hours, minutes and seconds.

    Example:
        >>> clock(3725.2)
        '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"

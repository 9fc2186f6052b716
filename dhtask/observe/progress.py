"""A live line that says how far a run is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TextIO, final

from dhtask._model.observation import (
    Observation,
    RunClosed,
    RunOpened,
    TaskCalled,
    TaskEnded,
    TaskSent,
)
from dhtask.observe.words import plural

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

#: Seconds between lines where nothing can be redrawn, such as a log file.
INTERVAL: Final = 30.0
#: Weight of the newest second in the tasks per second that are shown.
SMOOTHING: Final = 0.3
BAR_WIDTH: Final = 24
LEAST_BAR_WIDTH: Final = 6


@final
class Progress:
    """An observer that shows tasks done, running and waiting, tasks per second and time.

    On a terminal it is one line that redraws itself under whatever the program prints. Elsewhere it is silent for
    half a minute and then writes a plain line every half minute, so that a log of a long run shows life and one of a
    short run stays clean. Colour and width follow the terminal (and ``NO_COLOR``).

    Args:
        stream: Where to; the standard error by default.
        interval: Seconds between plain lines.
        clock: Seconds that only grow.

    Example:
        >>> import io
        >>> progress = Progress(stream=io.StringIO())
        >>> progress.observe(TaskCalled(task=1, name="load", time=0.0, parents=(), groups=()))
        >>> progress.observe(TaskEnded(task=1, outcome="finished", time=0.1))
        >>> progress.line()
        '1/1 tasks · 0:00'
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream or sys.stderr
        self._interval = interval
        self._clock = clock
        self._started = self._spoken = self._rated = clock()
        self._units = 1
        self._called = self._done = self._failed = self._ready = 0
        self._rate: float | None = None
        self._rated_done = 0
        #: Parents that have not ended, for each task that has not ended.
        self._missing: dict[int, int] = {}
        self._readers: dict[int, list[int]] = {}
        self._sent: set[int] = set()
        self._live: Live | None = None

    def observe(self, observation: Observation, /) -> None:
        """Take one observation."""
        match observation:
            case RunOpened():
                self._units = max(1, observation.computing_units)
                self._open()
            case TaskCalled():
                self._take_call(observation)
            case TaskSent():
                self._take_sent(observation.task)
            case TaskEnded():
                self._take_end(observation)
            case RunClosed():
                self.close()
        self._speak()

    def close(self) -> None:
        """Stop redrawing; the last line stays."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def line(self, width: int = 80) -> str:
        """The line as plain text, the least important parts left out until it fits a width."""
        parts = self._parts()
        while len(parts) > 1 and len(" · ".join(parts)) > width:
            # The time stands at the end and outlives the rates and queues before it.
            del parts[-2 if len(parts) > 2 else -1]
        return " · ".join(parts)[:width]

    def __rich_console__(self, console: Console, options: object) -> list[RenderableType]:
        """What the terminal shows."""
        from rich.text import Text

        self._measure()
        room = console.width - 1
        line = self.line(room)
        bar = min(BAR_WIDTH, room - len(line) - 1)
        text = Text(no_wrap=True, overflow="ellipsis")
        if bar >= LEAST_BAR_WIDTH:
            filled = round(bar * self._done / max(1, self._called))
            text.append("━" * filled, style="red" if self._failed else "green")
            text.append("━" * (bar - filled) + " ", style="dim")
        text.append(line)
        if self._failed:
            text.highlight_words([f"{self._failed:,} failed"], style="red")
        return [text]

    def _parts(self) -> list[str]:
        running = min(self._ready, self._units)
        waiting = self._called - self._done - running
        parts = [f"{self._done:,}/{plural(self._called, 'task')}"]
        if self._called == 1:
            parts = [f"{self._done}/1 tasks"]
        if self._failed:
            parts.append(f"{self._failed:,} failed")
        if running:
            parts.append(f"{running:,} running")
        if waiting:
            parts.append(f"{waiting:,} waiting")
        if self._rate is not None and self._done < self._called:
            parts.append(
                f"{self._rate:,.3g} tasks/s" if self._rate < 999.5 else f"{self._rate:,.0f} tasks/s"
            )
        seconds = int(self._clock() - self._started)
        hours, rest = divmod(seconds, 3600)
        clock = f"{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
        return [*parts, f"{hours}:{clock}" if hours else clock]

    def _take_call(self, observation: TaskCalled) -> None:
        self._called += 1
        missing = 0
        for parent, _ in observation.parents:
            if parent in self._missing:
                missing += 1
                self._readers.setdefault(parent, []).append(observation.task)
        self._missing[observation.task] = missing

    def _take_sent(self, task: int) -> None:
        if task in self._missing and task not in self._sent:
            self._sent.add(task)
            self._ready += self._missing[task] == 0

    def _take_end(self, observation: TaskEnded) -> None:
        task = observation.task
        if task in self._sent:
            self._sent.discard(task)
            self._ready -= self._missing[task] == 0
        self._missing.pop(task, None)
        self._done += 1
        self._failed += observation.outcome == "failed"
        for reader in self._readers.pop(task, ()):
            if reader in self._missing:
                self._missing[reader] -= 1
                self._ready += self._missing[reader] == 0 and reader in self._sent

    def _measure(self) -> None:
        passed = self._clock() - self._rated
        if passed >= 1.0:
            now = (self._done - self._rated_done) / passed
            before = now if self._rate is None else self._rate
            self._rate = SMOOTHING * now + (1 - SMOOTHING) * before
            self._rated, self._rated_done = self._clock(), self._done

    def _open(self) -> None:
        self._started = self._spoken = self._rated = self._clock()
        if not self._stream.isatty():
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream)
        # The program's own output passes through rich only where it goes to the same screen.
        same_screen = sys.stdout.isatty()
        self._live = Live(
            self,
            console=console,
            refresh_per_second=8,
            redirect_stdout=same_screen,
            redirect_stderr=same_screen,
        )
        self._live.start()

    def _speak(self) -> None:
        if self._live is None and self._clock() - self._spoken >= self._interval:
            self._measure()
            self._spoken = self._clock()
            print(self.line(120), file=self._stream, flush=True)

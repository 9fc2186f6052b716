"""A ledger of the stages of a project, with a stopwatch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, final, get_args

from dhtask.errors import ConfigurationError
from dhtask.kpi.indicators import Indicators, Scaling, toppi_s, totm_s

#: ``design``: people design and implement a pre-processing pipeline (T1). ``preprocessing``: it runs (T2).
#: ``training``: a training runs. ``other``: counts for no indicator.
StageKind = Literal["design", "preprocessing", "training", "other"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage and how long it took."""

    name: str
    kind: StageKind
    seconds: float


@final
class Ledger:
    """Notes stages as they happen.

    Args:
        clock: Seconds that only grow.

    Example:
        >>> ledger = Ledger(clock=iter([0.0, 12.5]).__next__)
        >>> with ledger.stage("tile the slides", "preprocessing"):
        ...     pass
        >>> ledger.note("write the pipeline", "design", seconds=600)
        >>> indicators_of(ledger.stages).toppi_s
        612.5
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._stages: list[Stage] = []

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What was noted so far, in the order in which it ended."""
        return tuple(self._stages)

    @contextmanager
    def stage(self, name: str, kind: StageKind) -> Iterator[None]:
        """Measure what happens inside ``with``; a stage that raises is noted as well, for its time has passed.

        Args:
            name: What is done.
            kind: For which indicator it counts.

        Raises:
            ConfigurationError: The kind is not known.
        """
        _check(kind)
        start = self._clock()
        try:
            yield
        finally:
            self._stages.append(Stage(name, kind, self._clock() - start))

    def note(self, name: str, kind: StageKind, *, seconds: float) -> None:
        """Note a stage that was measured elsewhere, such as the time that people took.

        Args:
            name: What was done.
            kind: For which indicator it counts.
            seconds: How long it took.

        Raises:
            ConfigurationError: The kind is not known, or the time is negative.
        """
        _check(kind)
        if not seconds >= 0:
            raise ConfigurationError(
                f"a stage takes at least 0 seconds, found {seconds!r} for {name!r}"
            )
        self._stages.append(Stage(name, kind, float(seconds)))


def indicators_of(stages: Sequence[Stage], *, scaling: Scaling | None = None) -> Indicators:
    """Compute the indicators of a project from its stages.

    Args:
        stages: What a `Ledger` noted.
        scaling: The same training on one worker and on several, when both were run.

    Returns:
        The indicators; None for those without a stage.
    """
    seconds: dict[StageKind, list[float]] = {kind: [] for kind in get_args(StageKind)}
    for stage in stages:
        seconds[stage.kind].append(stage.seconds)
    preprocessed = seconds["preprocessing"] + seconds["design"]
    return Indicators(
        toppi_s=toppi_s(sum(seconds["preprocessing"]), human_s=sum(seconds["design"]))
        if preprocessed
        else None,
        totm_s=totm_s(seconds["training"]) if seconds["training"] else None,
        scaling=scaling,
    )


def _check(kind: str) -> None:
    if kind not in get_args(StageKind):
        raise ConfigurationError(
            f"the kind of a stage must be one of {', '.join(get_args(StageKind))}, found {kind!r}"
        )

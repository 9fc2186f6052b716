"""Formulas of the indicators."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from dhtask.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Scaling:
    """The same work done by one worker and by several.

    Example:
        >>> scaling = Scaling(workers=4, one_worker_s=60.0, all_workers_s=20.0)
        >>> scaling.speedup, scaling.efficiency
        (3.0, 0.75)
    """

    #: Number of workers, n.
    workers: int
    #: Seconds on one worker.
    one_worker_s: float
    #: Seconds on n workers.
    all_workers_s: float

    @property
    def speedup(self) -> float:
        """How many times faster n workers were."""
        return speedup(self.one_worker_s, self.all_workers_s)

    @property
    def efficiency(self) -> float:
        """Share of the workers that the speedup made use of."""
        return efficiency(self.one_worker_s, self.all_workers_s, self.workers)


@dataclass(frozen=True, slots=True)
class Indicators:
    """The indicators of one project; None where nothing was measured."""

    #: Seconds of pre-processing, human work included.
    toppi_s: float | None = None
    #: Seconds of training.
    totm_s: float | None = None
    #: None when the training ran on one number of workers only.
    scaling: Scaling | None = None


def toppi_s(run_s: float, *, human_s: float = 0.0) -> float:
    """Time of pre-processing images.

    toppi = T1 + T2, where T1 is the time that people take to design and implement the pipeline of transformations
    and T2 the time to run it over all images of the dataset (DeepHealth key performance indicators).

    Args:
        run_s: T2 in seconds.
        human_s: T1 in seconds; 0 compares pipelines that exist already.

    Returns:
        Seconds.

    Raises:
        ConfigurationError: A time is negative or not finite.

    Example:
        >>> toppi_s(90.0, human_s=3600.0)
        3690.0
    """
    return _seconds("human_s", human_s) + _seconds("run_s", run_s)


def totm_s(trainings_s: Iterable[float]) -> float:
    """Time of training models.

    totm is the execution time of the training procedure (DeepHealth key performance indicators); that of several
    trainings is their sum.

    Args:
        trainings_s: Seconds of each training.

    Returns:
        Seconds.

    Raises:
        ConfigurationError: A time is negative or not finite.

    Example:
        >>> totm_s([120.0, 60.0])
        180.0
    """
    return math.fsum(_seconds("trainings_s", seconds) for seconds in trainings_s)


def speedup(one_worker_s: float, all_workers_s: float) -> float:
    """How many times faster several workers are than one on the same work.

    S(n) = t(1) / t(n)

    Args:
        one_worker_s: t(1) in seconds.
        all_workers_s: t(n) in seconds.

    Returns:
        S(n); 1.0 is no gain.

    Raises:
        ConfigurationError: A time is not positive.

    Example:
        >>> speedup(60.0, 20.0)
        3.0
    """
    return _positive("one_worker_s", one_worker_s) / _positive("all_workers_s", all_workers_s)


def efficiency(one_worker_s: float, all_workers_s: float, workers: int) -> float:
    """Share of the workers that the speedup makes use of.

    E(n) = S(n) / n

    Args:
        one_worker_s: t(1) in seconds.
        all_workers_s: t(n) in seconds.
        workers: n.

    Returns:
        E(n); 1.0 is perfect.

    Raises:
        ConfigurationError: A time is not positive, or there are no workers.

    Example:
        >>> efficiency(60.0, 20.0, 4)
        0.75
    """
    if workers < 1:
        raise ConfigurationError(f"workers must be at least 1, found {workers!r}")
    return speedup(one_worker_s, all_workers_s) / workers


def _seconds(name: str, value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise ConfigurationError(f"{name} must be seconds of at least 0, found {value!r}")
    return float(value)


def _positive(name: str, value: float) -> float:
    if _seconds(name, value) == 0:
        raise ConfigurationError(f"{name} must be more than 0 seconds, found {value!r}")
    return float(value)

"""Formulas of the indicators."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhtask.errors import ConfigurationError, DhtaskError
from dhtask.kpi import Scaling, efficiency, speedup, toppi_s, totm_s

TIMES = st.floats(0.001, 1e6)


@given(TIMES, TIMES)
def test_toppi_is_human_time_plus_running_time(run: float, human: float) -> None:
    assert toppi_s(run, human_s=human) == run + human
    assert toppi_s(run) == run


@given(st.lists(TIMES))
def test_totm_is_the_sum_of_the_trainings(trainings: list[float]) -> None:
    assert totm_s(trainings) == pytest.approx(sum(trainings))


@given(TIMES, st.integers(1, 512))
def test_work_that_divides_evenly_has_speedup_n_and_efficiency_one(one: float, n: int) -> None:
    assert speedup(one, one / n) == pytest.approx(n)
    assert efficiency(one, one / n, n) == pytest.approx(1.0)


@given(TIMES, TIMES, st.integers(1, 512))
def test_a_scaling_agrees_with_the_formulas(one: float, several: float, n: int) -> None:
    scaling = Scaling(n, one, several)
    assert scaling.speedup == one / several
    assert scaling.efficiency == one / several / n


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_times_that_cannot_be_are_refused(seconds: float) -> None:
    for call in (
        lambda: toppi_s(seconds),
        lambda: toppi_s(1.0, human_s=seconds),
        lambda: totm_s([1.0, seconds]),
        lambda: speedup(seconds, 1.0),
    ):
        with pytest.raises(ConfigurationError, match="seconds"):
            call()


def test_a_time_of_zero_has_no_speedup() -> None:
    with pytest.raises(ConfigurationError, match=r"all_workers_s .* found 0\.0"):
        speedup(1.0, 0.0)


def test_no_workers_have_no_efficiency() -> None:
    with pytest.raises(DhtaskError, match="workers must be at least 1, found 0"):
        efficiency(1.0, 1.0, 0)

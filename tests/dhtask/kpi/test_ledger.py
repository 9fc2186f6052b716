"""The ledger and its stopwatch."""

from __future__ import annotations

from typing import Any

import pytest

from dhtask.errors import ConfigurationError
from dhtask.kpi import Indicators, Ledger, Scaling, Stage, indicators_of


def test_a_stage_takes_as_long_as_the_clock_says() -> None:
    ledger = Ledger(clock=iter([1.0, 3.5, 4.0, 10.0]).__next__)
    with ledger.stage("tile", "preprocessing"):
        pass
    with ledger.stage("fit", "training"):
        pass
    assert ledger.stages == (Stage("tile", "preprocessing", 2.5), Stage("fit", "training", 6.0))


def test_a_stage_that_raises_is_noted() -> None:
    ledger = Ledger(clock=iter([0.0, 1.0]).__next__)
    with pytest.raises(KeyError), ledger.stage("fit", "training"):
        raise KeyError
    assert [stage.seconds for stage in ledger.stages] == [1.0]


def test_stages_may_be_nested() -> None:
    ledger = Ledger(clock=iter([0.0, 1.0, 2.0, 5.0]).__next__)
    with ledger.stage("all", "other"), ledger.stage("fit", "training"):
        pass
    assert [(stage.name, stage.seconds) for stage in ledger.stages] == [("fit", 1.0), ("all", 5.0)]


def test_indicators_take_the_stages_that_count() -> None:
    ledger = Ledger()
    ledger.note("write the pipeline", "design", seconds=100)
    ledger.note("tile", "preprocessing", seconds=20)
    ledger.note("tile the rest", "preprocessing", seconds=3)
    ledger.note("fit", "training", seconds=50)
    ledger.note("lunch", "other", seconds=1000)
    scaling = Scaling(2, 90.0, 50.0)
    assert indicators_of(ledger.stages, scaling=scaling) == Indicators(123.0, 50.0, scaling)


def test_what_was_not_measured_is_none() -> None:
    assert indicators_of([]) == Indicators(None, None, None)


def test_the_default_clock_goes_forward() -> None:
    ledger = Ledger()
    with ledger.stage("count", "other"):
        sum(range(1000))
    assert ledger.stages[0].seconds > 0


def test_a_negative_time_and_an_unknown_kind_are_refused() -> None:
    ledger = Ledger()
    unknown: Any = "dreaming"
    with pytest.raises(ConfigurationError, match="-1"):
        ledger.note("fit", "training", seconds=-1)
    with pytest.raises(ConfigurationError, match="'dreaming'"):
        ledger.note("fit", unknown, seconds=1)
    with pytest.raises(ConfigurationError, match="preprocessing"), ledger.stage("fit", unknown):
        pass
    assert ledger.stages == ()

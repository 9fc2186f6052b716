"""Line charts."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from dhtask.report.charts import curve_svg, describe, levels
from dhtask.report.content import Curve

SVG = "{http://www.w3.org/2000/svg}"
FINITE = st.floats(-1e6, 1e6)


@given(st.tuples(FINITE, FINITE).map(sorted))
def test_levels_enclose_the_range_and_are_few(bounds: list[float]) -> None:
    low, high = bounds
    steps = levels(low, high)
    slack = 1e-6 * max(abs(low), abs(high), 1e-9)
    assert steps[0] <= low + slack
    assert steps[-1] >= high - slack
    assert 2 <= len(steps) <= 8
    assert steps == sorted(set(steps))


def test_every_known_value_is_a_dot_that_tells_it() -> None:
    svg = curve_svg(Curve("loss", (0.9, 0.5, 0.25), (1.0, math.nan, 0.5)))
    dots = list(ET.fromstring(svg).iter(f"{SVG}circle"))
    assert len(dots) == 5
    assert "epoch 3, validation: 0.5" in svg


def test_a_higher_value_is_drawn_higher() -> None:
    svg = curve_svg(Curve("dice", (0.1, 0.9, 0.4)))
    y = [float(dot.get("cy", "")) for dot in ET.fromstring(svg).iter(f"{SVG}circle")]
    assert y[1] < y[2] < y[0]


def test_one_epoch_can_be_drawn() -> None:
    ET.fromstring(curve_svg(Curve("loss", (0.5,), (0.5,))))


def test_a_long_training_has_few_numbers_under_it() -> None:
    svg = curve_svg(Curve("loss", tuple(1 / n for n in range(1, 1001))))
    assert len(list(ET.fromstring(svg).iter(f"{SVG}text"))) < 25


def test_a_curve_without_values_is_no_picture() -> None:
    assert curve_svg(Curve("loss", (math.nan,), ())) == ""


def test_a_curve_is_told_in_words() -> None:
    words = describe(Curve("loss", (0.9, math.nan), (1.0, 0.5)))
    assert words == "loss over 2 epochs: training from 0.9 to 0.9, validation from 1 to 0.5"

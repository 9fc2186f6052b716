"""A report to test with."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from dhtask.kpi import Indicators, Scaling
from dhtask.observe import graph_svg, timeline_svg
from dhtask.report import (
    ClassScore,
    Curve,
    Fact,
    Network,
    Picture,
    Problem,
    Report,
    Scores,
    overlay,
)
from tests.dhtask.observe.runs import small


def full() -> Report:
    """Every part is there."""
    generator = np.random.default_rng(3)
    image = generator.integers(0, 256, (24, 32, 3), np.uint8)
    truth, prediction = generator.random((2, 24, 32)) > 0.5
    drawn = Picture(overlay(image, truth, prediction), "Tile 1: IoU 0.50", "noise over noise")
    return Report(
        title="Noise <segmented> & reported",
        created="2030-01-02 03:04 UTC",
        command='dhtask demo --out "a & b"',
        seed=7,
        dataset=(Fact("images", 1200), Fact("source", "made up"), Fact("share", 0.125)),
        network=Network("U-Net", 1_234_567, "conv1 (n, 8, 24, 32)\nconv2 (n, 16, 12, 16)"),
        scores=Scores(
            "test",
            dice=0.75,
            iou=0.6,
            per_class=(
                ClassScore("background", 0.7, 0.8),
                ClassScore("nucleus", 0.5, 0.7),
                ClassScore("absent", math.nan, math.nan),
            ),
        ),
        history=(
            Curve("loss", (0.9, 0.5, 0.25), (1.0, math.nan, 0.5)),
            Curve("dice", (), (0.1, 0.4, 0.75)),
        ),
        indicators=Indicators(12.5, 60.0, Scaling(4, 180.0, 60.0)),
        panel=(Picture(image, "The image"), drawn),
        overlays=(drawn, drawn),
        graph_svg=graph_svg(small()),
        timeline_svg=timeline_svg(small()),
        versions=(Fact("python", "3.11.2"), Fact("numpy", "2.4.6")),
        machine=(Fact("cores", 2),),
        problems=(Problem("bad/<one>.png", "cut short"),),
        remarks=("Nothing here is real.",),
    )


def bare() -> Report:
    """Only what every report has."""
    return replace(
        full(),
        dataset=(),
        scores=Scores("test", math.nan, math.nan),
        history=(),
        indicators=Indicators(),
        panel=(),
        overlays=(),
        graph_svg="",
        timeline_svg="",
        versions=(),
        machine=(),
        problems=(),
        remarks=(),
    )

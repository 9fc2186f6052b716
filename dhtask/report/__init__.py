"""The report of a training: figures in, one self-contained page and one JSON file out.

Everything that is told is in a `Report`, which is plain data; `write_report` lays it out. The page needs no other file
and no network, follows the light or dark setting of its reader, and prints.
"""

from __future__ import annotations

from dhtask.report.content import (
    ClassScore,
    Curve,
    Fact,
    Network,
    Picture,
    Problem,
    Report,
    Scores,
)
from dhtask.report.facts import machine_facts, package_versions
from dhtask.report.page import ReportPaths, write_report
from dhtask.report.pictures import colour_labels, image_grid, overlay

__all__ = [
    "ClassScore",
    "Curve",
    "Fact",
    "Network",
    "Picture",
    "Problem",
    "Report",
    "ReportPaths",
    "Scores",
    "colour_labels",
    "image_grid",
    "machine_facts",
    "overlay",
    "package_versions",
    "write_report",
]

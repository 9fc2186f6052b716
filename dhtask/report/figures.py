"""A report as JSON: the figures without the pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Final

from dhtask.report.content import Fact, Report

FORMAT: Final = "dhtask-report/1"


def figures_json(report: Report) -> str:
    """Write the figures of a report as JSON; a figure that is not known is null.

    Args:
        report: What is told.

    Returns:
        JSON text; see the keys below.
    """
    content = {
        "format": FORMAT,
        "title": report.title,
        "created": report.created,
        "command": report.command,
        "seed": report.seed,
        "metrics": _metrics(report),
        "kpi": _indicators(report),
        "history": {
            curve.name: {
                "training": [_number(value) for value in curve.training],
                "validation": [_number(value) for value in curve.validation],
            }
            for curve in report.history
        },
        "dataset": _mapping(report.dataset),
        "network": {
            "name": report.network.name,
            "parameters": report.network.parameters,
            "summary": report.network.summary,
        },
        "versions": _mapping(report.versions),
        "machine": _mapping(report.machine),
        "problems": [{"path": item.path, "reason": item.reason} for item in report.problems],
        "remarks": list(report.remarks),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _metrics(report: Report) -> dict[str, Any]:
    scores = report.scores
    return {
        "split": scores.split,
        "dice": _number(scores.dice),
        "iou": _number(scores.iou),
        "per_class": {
            score.name: {"iou": _number(score.iou), "dice": _number(score.dice)}
            for score in scores.per_class
        },
    }


def _indicators(report: Report) -> dict[str, float | int | None]:
    scaling = report.indicators.scaling
    return {
        "toppi_s": report.indicators.toppi_s,
        "totm_s": report.indicators.totm_s,
        "speedup": scaling.speedup if scaling else None,
        "efficiency": scaling.efficiency if scaling else None,
        "workers": scaling.workers if scaling else None,
        "one_worker_s": scaling.one_worker_s if scaling else None,
        "all_workers_s": scaling.all_workers_s if scaling else None,
    }


def _mapping(facts: Iterable[Fact]) -> dict[str, str | int | float | None]:
    return {
        fact.name: _number(fact.value) if isinstance(fact.value, float) else fact.value
        for fact in facts
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

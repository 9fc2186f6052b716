"""A report as one page that needs no other file."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dhtask.observe.svg import namespaced
from dhtask.observe.words import duration
from dhtask.report.charts import curve_svg
from dhtask.report.content import Fact, Picture, Report
from dhtask.report.figures import figures_json
from dhtask.report.pictures import rgb

TEMPLATE: Final = "report.html"
#: Pictures narrower than this are enlarged without smoothing, so that single pixels stay visible.
SMALL: Final = 160


@dataclass(frozen=True, slots=True)
class ReportPaths:
    """Where a report was written."""

    html: Path
    json: Path


@dataclass(frozen=True, slots=True)
class _Image:
    """A picture as the template takes it."""

    source: str
    width: int
    height: int
    caption: str
    alternative: str
    is_small: bool


@dataclass(frozen=True, slots=True)
class _Indicator:
    name: str
    value: str
    meaning: str


def write_report(report: Report, folder: str | Path) -> ReportPaths:
    """Write a report as ``report.html`` and ``report.json``.

    The same report gives the same files, byte for byte.

    Args:
        report: What to tell.
        folder: Where to; it is created if it is not there.

    Returns:
        The paths of both files.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = ReportPaths(target / "report.html", target / "report.json")
    paths.html.write_text(page_html(report), encoding="utf-8")
    paths.json.write_text(figures_json(report), encoding="utf-8")
    return paths


def page_html(report: Report) -> str:
    """Lay a report out as HTML.

    Args:
        report: What to tell.

    Returns:
        The page as text, pictures and styles included.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["score"] = _score
    environment.filters["plain"] = _plain
    environment.filters["natural"] = _natural_width
    return (
        environment.get_template(TEMPLATE).render(
            report=report,
            indicators=_indicators(report),
            panel=[_image(picture) for picture in report.panel],
            overlays=[_image(picture) for picture in report.overlays],
            # The SVG texts are markup of our own making; everything else is escaped by the template.
            curves=[
                _inlined(curve_svg(curve), f"curve{n}-") for n, curve in enumerate(report.history)
            ],
            graph=_inlined(report.graph_svg, "graph-"),
            timeline=_inlined(report.timeline_svg, "timeline-"),
        )
        + "\n"
    )


def _natural_width(svg: str) -> int:
    found = re.search(r'<svg[^>]*\swidth="(\d+)', svg)
    return int(found[1]) if found else 640


def _score(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _plain(fact: Fact) -> str:
    if isinstance(fact.value, str):
        return fact.value
    return f"{fact.value:,}" if isinstance(fact.value, int) else f"{fact.value:,.6g}"


def _indicators(report: Report) -> list[_Indicator]:
    known = report.indicators
    rows = []
    if known.toppi_s is not None:
        meaning = "time of pre-processing images: people's time (T1) plus running time (T2)"
        rows.append(_Indicator("toppi", duration(known.toppi_s), meaning))
    if known.totm_s is not None:
        meaning = "time of training models: the training procedure"
        rows.append(_Indicator("totm", duration(known.totm_s), meaning))
    if known.scaling is not None:
        scaling = known.scaling
        one, several = duration(scaling.one_worker_s), duration(scaling.all_workers_s)
        meaning = f"1 worker {one}, {scaling.workers} workers {several}, same work"
        rows.append(_Indicator("speedup", f"{scaling.speedup:.2f}", meaning))
        meaning = f"speedup over {scaling.workers} workers"
        rows.append(_Indicator("efficiency", f"{scaling.efficiency:.0%}", meaning))
    return rows


def _image(picture: Picture) -> _Image:
    pixels = rgb(picture.pixels)
    return _Image(
        source=f"data:image/png;base64,{base64.b64encode(_png(picture)).decode('ascii')}",
        width=pixels.shape[1],
        height=pixels.shape[0],
        caption=picture.caption,
        alternative=picture.alternative or picture.caption,
        is_small=pixels.shape[1] < SMALL,
    )


def _png(picture: Picture) -> bytes:
    from PIL import Image

    sheet = io.BytesIO()
    Image.fromarray(rgb(picture.pixels)).save(sheet, format="PNG", optimize=True)
    return sheet.getvalue()


def _inlined(svg: str, prefix: str) -> str:
    """SVG as part of a page: without the head of an XML file, with ids of its own."""
    bare = re.sub(r"^\s*(<\?xml.*?\?>|<!DOCTYPE.*?>)\s*", "", svg, flags=re.DOTALL)
    return namespaced(bare, prefix)

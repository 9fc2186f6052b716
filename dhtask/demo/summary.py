"""What came of a job: a report for the browser, and a short table for the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.table import Table

from dhcore import image, nets
from dhcore.nn import Model
from dhtask.demo.job import JobOutcome
from dhtask.demo.pictures import Segmented
from dhtask.observe import graph_svg, timeline_svg
from dhtask.report import (
    ClassScore,
    Curve,
    Fact,
    Network,
    Picture,
    Problem,
    Report,
    ReportPaths,
    Scores,
    colour_labels,
    image_grid,
    machine_facts,
    overlay,
    package_versions,
    write_report,
)


def write_job_report(
    outcome: JobOutcome,
    *,
    title: str,
    command: str,
    facts: Sequence[Fact] = (),
    remarks: Sequence[str] = (),
) -> ReportPaths:
    """Write ``report.html``, ``report.json`` and, of a segmentation, ``prediction.png`` into the folder of the job.

    Args:
        outcome: of the job.
        title: heading of the page.
        command: shell command that does it again.
        facts: further facts of the dataset.
        remarks: paragraphs under the title.
    """
    evaluation = outcome.evaluation
    model = _model(outcome)
    report = Report(
        title=title,
        created=datetime.now().astimezone().isoformat(" ", "seconds"),
        command=command,
        seed=outcome.options.seed,
        dataset=(*_dataset_facts(outcome), *facts),
        network=Network(outcome.options.network, model.parameter_count, model.summary()),
        scores=Scores(
            outcome.evaluated_split,
            evaluation.figures["dice"],
            evaluation.figures["iou"],
            _class_scores(outcome),
        ),
        history=_curves(outcome),
        indicators=outcome.indicators,
        panel=_panel(outcome.whole),
        overlays=tuple(_agreement(sample) for sample in outcome.examples),
        graph_svg=graph_svg(outcome.record),
        timeline_svg=timeline_svg(outcome.record),
        versions=package_versions(),
        machine=machine_facts(),
        problems=tuple(Problem(str(p.path), f"{p.entry}: {p.message}") for p in outcome.problems),
        remarks=(*remarks, *_remarks(outcome)),
    )
    paths = write_report(report, outcome.options.out)
    if report.panel:
        row = image_grid([picture.pixels for picture in report.panel], columns=len(report.panel))
        image.write(image.Image(row, "yxc"), outcome.options.out / "prediction.png")
    return paths


def print_job(outcome: JobOutcome, paths: ReportPaths, file: TextIO) -> None:
    """Print the figures and where the report is.

    Args:
        outcome: of the job.
        paths: of the report.
        file: where to.
    """
    console = Console(file=file, highlight=False, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column(f"held-out {outcome.evaluated_split}")
    table.add_column("Dice", justify="right")
    table.add_column("IoU", justify="right")
    for score in _class_scores(outcome):
        table.add_row(score.name, _figure(score.dice), _figure(score.iou))
    figures = outcome.evaluation.figures
    table.add_row("mean", _figure(figures["dice"]), _figure(figures["iou"]))
    console.print()
    console.print(table)
    console.print()
    for name, value in _rows(outcome):
        console.print(f"{name:<12}{value}")
    if outcome.problems:
        console.print(f"left out    {len(outcome.problems)} files, listed in the report")
    console.print(f"report      {_shown(paths.html)}")


def _model(outcome: JobOutcome) -> Model:
    builder = nets.by_name(outcome.options.network)
    return builder(outcome.shape, len(outcome.class_names), **dict(outcome.options.network_options))


def _dataset_facts(outcome: JobOutcome) -> tuple[Fact, ...]:
    dataset = outcome.dataset
    used = [
        Fact(f"{name} samples", f"{count} of {len(dataset.indices(name))} images")
        for name, count in outcome.counts.items()
    ]
    return (
        Fact("file", str(outcome.options.dataset)),
        *([Fact("name", dataset.name)] if dataset.name else []),
        Fact("task", dataset.task),
        Fact("classes", ", ".join(outcome.class_names)),
        *used,
        Fact("sample", " x ".join(map(str, outcome.shape))),
    )


def _class_scores(outcome: JobOutcome) -> tuple[ClassScore, ...]:
    per_class = outcome.evaluation.per_class
    rows = zip(outcome.class_names, per_class["iou"], per_class["dice"], strict=True)
    return tuple(ClassScore(name, iou, dice) for name, iou, dice in rows)


def _curves(outcome: JobOutcome) -> tuple[Curve, ...]:
    history = outcome.training.history
    losses = Curve(
        "loss",
        tuple(record.training_loss for record in history),
        tuple(record.validation.get("loss", math.nan) for record in history),
    )
    others = [
        Curve(name, validation=tuple(record.validation.get(name, math.nan) for record in history))
        for name in outcome.config.metrics
    ]
    return (losses, *others) if history[-1].validation else (losses,)


def _panel(whole: Segmented | None) -> tuple[Picture, ...]:
    if whole is None:
        return ()
    return (
        Picture(_rgb(whole.pixels), "picture"),
        Picture(colour_labels(whole.truth), "truth"),
        Picture(colour_labels(whole.prediction), "prediction, stitched from overlapping tiles"),
        Picture(
            _agreement(whole).pixels,
            "both: white agrees, green was missed, magenta was found falsely",
        ),
    )


def _agreement(sample: Segmented) -> Picture:
    return Picture(overlay(sample.pixels, sample.truth, sample.prediction), sample.name)


def _rgb(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.repeat(pixels[..., None], 3, axis=-1) if pixels.ndim == 2 else pixels


def _remarks(outcome: JobOutcome) -> tuple[str, ...]:
    best, judge = outcome.training.history[outcome.training.best_epoch], outcome.config.judge
    chosen = "without validation samples the last one"
    if best.validation:
        chosen = f"by {judge} on the validation samples, {best.validation[judge]:.3f}"
    epochs = len(outcome.training.history)
    remarks = [f"The figures are those of epoch {best.epoch + 1} of {epochs}: {chosen}."]
    if outcome.same_figures is not None:
        scaling = outcome.indicators.scaling
        workers = scaling.workers if scaling else outcome.options.workers
        said = "exactly the figures" if outcome.same_figures else "NOT the figures"
        remarks.append(
            f"The first epochs were trained once more on one worker and gave {said} of {workers} workers; speedup and "
            "efficiency compare the same steps, the first epoch (in which models are compiled) left out."
        )
    return tuple(remarks)


def _rows(outcome: JobOutcome) -> list[tuple[str, str]]:
    known, training = outcome.indicators, outcome.training
    rows = []
    best, judge = training.history[training.best_epoch], outcome.config.judge
    if best.validation:
        named = f"{best.validation[judge]:.3f} {judge}, the best of {len(training.history)} epochs"
        rows.append(("validation", f"{named}; seed {outcome.options.seed}"))
    if known.toppi_s is not None:
        rows.append(("toppi", f"{known.toppi_s:.1f} s   pre-processing of images"))
    if known.totm_s is not None:
        epochs = len(training.history) - (training.resumed_from or 0)
        rows.append(("totm", f"{known.totm_s:.1f} s   training, {epochs} epochs"))
    if known.scaling is not None:
        same = "the same figures" if outcome.same_figures else "DIFFERENT figures"
        rows.append(
            ("speedup", f"{known.scaling.speedup:.2f}   {known.scaling.workers} workers, {same}")
        )
        rows.append(("efficiency", f"{known.scaling.efficiency:.2f}"))
    return rows


def _figure(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _shown(path: Path) -> str:
    absolute = path.resolve()
    here = Path.cwd()
    return str(absolute.relative_to(here) if absolute.is_relative_to(here) else absolute)

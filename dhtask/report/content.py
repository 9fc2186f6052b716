"""What a report tells, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dhtask.kpi import Indicators


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value, such as ``images: 30``."""

    name: str
    value: str | int | float


@dataclass(frozen=True, slots=True)
class Network:
    """What was trained."""

    name: str
    #: Number of trainable parameters.
    parameters: int
    #: Layers with their shapes, one a line.
    summary: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One quantity over the epochs; a value that was not measured is NaN."""

    #: Such as ``loss`` or ``dice``.
    name: str
    #: One value for each epoch; empty when not measured at all.
    training: tuple[float, ...] = ()
    validation: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class was found; NaN when it occurs neither in the truth nor in the prediction."""

    name: str
    #: Intersection over union (Jaccard).
    iou: float
    #: 2 |A and B| / (|A| + |B|) (Sørensen and Dice).
    dice: float


@dataclass(frozen=True, slots=True)
class Scores:
    """How well the network does on images that it was not trained on."""

    #: Which images these are, such as ``test``.
    split: str
    #: Mean over the classes, as the caller defines it.
    dice: float
    iou: float
    per_class: tuple[ClassScore, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image with words under it."""

    #: (height, width, 3) or (height, width), uint8.
    pixels: NDArray[np.uint8]
    caption: str
    #: What is to be seen, for those who cannot see it; the caption when empty.
    alternative: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """An input that could not be used."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything that a report tells. Parts that are left empty are left out of the page."""

    title: str
    #: When the report was made, as it is to be shown; the only thing that differs between equal runs.
    created: str
    #: The shell command that does it again.
    command: str
    seed: int
    dataset: tuple[Fact, ...]
    network: Network
    scores: Scores
    history: tuple[Curve, ...] = ()
    indicators: Indicators = field(default_factory=Indicators)
    #: A whole image in several views, side by side.
    panel: tuple[Picture, ...] = ()
    #: Truth and prediction over the image, one picture for each example.
    overlays: tuple[Picture, ...] = ()
    #: From `dhtask.observe.graph_svg` and `dhtask.observe.timeline_svg`.
    graph_svg: str = ""
    timeline_svg: str = ""
    versions: tuple[Fact, ...] = ()
    machine: tuple[Fact, ...] = ()
    problems: tuple[Problem, ...] = ()
    #: Paragraphs under the title.
    remarks: tuple[str, ...] = ()

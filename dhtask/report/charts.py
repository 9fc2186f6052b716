"""Line charts of a training as SVG that takes the colours of its page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dhtask.observe.svg import document, element, escaped
from dhtask.report.content import Curve

WIDTH: Final = 460.0
HEIGHT: Final = 250.0
LEFT: Final = 50.0
RIGHT: Final = 16.0
TOP: Final = 44.0
BOTTOM: Final = 34.0

#: Readable on white and on black, and different in lightness, so that a grey print still tells them apart.
TRAINING: Final = "#2e86c8"
VALIDATION: Final = "#e07b28"


@dataclass(frozen=True, slots=True)
class _Series:
    name: str
    colour: str
    dash: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """From epochs and values to pixels."""

    epochs: int
    low: float
    high: float

    def x(self, epoch: float) -> float:
        share = (epoch - 1) / (self.epochs - 1) if self.epochs > 1 else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def curve_svg(curve: Curve) -> str:
    """Draw a quantity over the epochs, for training and validation.

    Args:
        curve: The quantity; a value that is NaN is passed over.

    Returns:
        The picture as text.
    """
    series = [
        _Series("training", TRAINING, "none", curve.training),
        _Series("validation", VALIDATION, "6 3", curve.validation),
    ]
    series = [one for one in series if any(math.isfinite(value) for value in one.values)]
    values = [v for one in series for v in one.values if math.isfinite(v)]
    if not values:
        return ""
    steps = levels(min(values), max(values))
    frame = _Frame(max(len(one.values) for one in series), steps[0], steps[-1])
    return document(
        WIDTH,
        HEIGHT,
        describe(curve),
        _text(LEFT - 34, 20, curve.name, size=14, weight="600"),
        *_key(series),
        *_grid(frame, steps),
        *(part for one in series for part in _line(frame, one)),
    )


def describe(curve: Curve) -> str:
    """Tell a curve in words, for those who cannot see it.

    Example:
        >>> describe(Curve("loss", training=(0.9, 0.5)))
        'loss over 2 epochs: training from 0.9 to 0.5'
    """
    parts = []
    for name, values in (("training", curve.training), ("validation", curve.validation)):
        known = [value for value in values if math.isfinite(value)]
        if known:
            parts.append(f"{name} from {known[0]:.3g} to {known[-1]:.3g}")
    epochs = max(len(curve.training), len(curve.validation))
    return f"{curve.name} over {epochs} epochs: {', '.join(parts)}"


def levels(low: float, high: float, count: int = 4) -> list[float]:
    """Round values that enclose a range, about as many as asked.

    Example:
        >>> levels(0.13, 0.92)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if high - low < 1e-12 * max(abs(low), abs(high), 1e-300):
        margin = abs(high) * 0.1 or 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{step * number:.12g}") for number in range(first, last + 1)]


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: float = 11,
    anchor: str = "start",
    opacity: float = 1.0,
    weight: str = "400",
) -> str:
    return element(
        "text",
        escaped(text),
        x=x,
        y=y,
        font_size=size,
        font_weight=weight,
        text_anchor=anchor,
        fill="currentColor",
        fill_opacity=opacity,
    )


def _key(series: Sequence[_Series]) -> Iterator[str]:
    x = WIDTH - RIGHT - 92 * len(series)
    for one in series:
        yield element(
            "line",
            x1=x,
            x2=x + 22,
            y1=16,
            y2=16,
            stroke=one.colour,
            stroke_width=2.4,
            stroke_dasharray=one.dash,
        )
        yield _text(x + 27, 20, one.name, size=12)
        x += 92


def _grid(frame: _Frame, steps: Sequence[float]) -> Iterator[str]:
    for step in steps:
        y = frame.y(step)
        yield element(
            "line",
            x1=LEFT,
            x2=WIDTH - RIGHT,
            y1=y,
            y2=y,
            stroke="currentColor",
            stroke_opacity=0.14,
        )
        yield _text(LEFT - 8, y + 4, f"{step:.6g}", anchor="end", opacity=0.75)
    stride = max(1, math.ceil(frame.epochs / 10))
    for epoch in range(1, frame.epochs + 1):
        if epoch == 1 or epoch % stride == 0:
            y = HEIGHT - BOTTOM + 16
            yield _text(frame.x(epoch), y, str(epoch), anchor="middle", opacity=0.75)
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield _text(middle, HEIGHT - 4, "epoch", anchor="middle", opacity=0.75)


def _line(frame: _Frame, series: _Series) -> Iterator[str]:
    known = [(e, v) for e, v in enumerate(series.values, 1) if math.isfinite(v)]
    points = [f"{frame.x(epoch):.1f} {frame.y(value):.1f}" for epoch, value in known]
    yield element(
        "path",
        d=f"M{' L'.join(points)}",
        fill="none",
        stroke=series.colour,
        stroke_width=2.2,
        stroke_linejoin="round",
        stroke_dasharray=series.dash,
    )
    for epoch, value in known:
        yield element(
            "circle",
            element("title", escaped(f"epoch {epoch}, {series.name}: {value:.4g}")),
            cx=frame.x(epoch),
            cy=frame.y(value),
            r=2.8 if frame.epochs <= 40 else 1.6,
            fill=series.colour,
        )

"""The timeline of a run as a picture: a lane for each worker, a bar for each run of a task."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from dhtask.observe.colours import FAILURE, colours_of
from dhtask.observe.lanes import Lane, end_of, lanes_of, origin_of
from dhtask.observe.legend import legend, note
from dhtask.observe.record import RunRecord
from dhtask.observe.svg import document, element, escaped, text_width
from dhtask.observe.words import duration, plural, short_name

WIDTH: Final = 960.0
MARGIN: Final = 20.0
HEADING: Final = 44.0
LANE: Final = 24.0
GAP: Final = 5.0
SHARE_WIDTH: Final = 52.0
MOST_LANES: Final = 64


@dataclass(slots=True)
class _Block:
    """Runs that are drawn as one rectangle because nobody could tell them apart."""

    left: float
    right: float
    #: Seconds of work by function.
    seconds: dict[str, float] = field(default_factory=dict)
    count: int = 0
    failed: bool = False

    @property
    def name(self) -> str:
        return max(self.seconds, key=lambda name: (self.seconds[name], name))


@dataclass(frozen=True, slots=True)
class _Scale:
    """From seconds since the start to pixels."""

    left: float
    width: float
    seconds: float

    def x(self, seconds: float) -> float:
        return self.left + self.width * seconds / self.seconds


def timeline_svg(record: RunRecord, *, width: float = WIDTH) -> str:
    """Draw when each worker ran which function as SVG.

    The first lane shows when the program itself waited; the share at the right of a lane is the
    time that the worker was busy. Runs too short to be told apart share a bar.

    Args:
        record: The run.
        width: Of the picture in pixels.

    Returns:
        The picture as text.
    """
    lanes = lanes_of(record)
    shown = lanes[:MOST_LANES]
    origin = origin_of(record)
    seconds = max(end_of(record) - origin, 1e-6)
    names = max((text_width(lane.label, 11) for lane in (*shown,)), default=0.0)
    left = MARGIN + max(names, text_width("program", 11)) + 10
    scale = _Scale(left, width - left - SHARE_WIDTH - MARGIN, seconds)
    functions = Counter(task.name for task in record.tasks)
    colours = colours_of(functions)
    bottom = HEADING + (LANE + GAP) * (1 + len(shown))
    key, key_height = legend(functions, colours, width - 2 * MARGIN)
    height = bottom + 34 + key_height + MARGIN
    title = (
        f"{plural(len({lane.worker for lane in lanes}), 'worker')} · "
        f"{plural(sum(len(lane.bars) for lane in lanes), 'run')} in {duration(seconds)}"
    )
    if len(lanes) > len(shown):
        title += f" · the first {len(shown)} lanes of {len(lanes):,}"
    return document(
        width,
        height,
        f"Timeline: {title}",
        note(MARGIN, MARGIN + 4, title, size=12.5),
        *_axis(scale, bottom),
        *_program(record, scale, origin),
        *(
            part
            for place, lane in enumerate(shown, 1)
            for part in _lane(lane, place, scale, origin, colours)
        ),
        element("g", key, transform=f"translate({MARGIN:.1f} {bottom + 34:.1f})"),
    )


def ticks(limit: float, count: int) -> list[float]:
    """Round values from 0 to a limit, about as many as asked.

    Example:
        >>> ticks(12.3, 5)
        [0.0, 2.5, 5.0, 7.5, 10.0]
    """
    rough = limit / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    return [round(step * number, 12) for number in range(math.floor(limit / step * 1.0001) + 1)]


def _axis(scale: _Scale, bottom: float) -> Iterator[str]:
    for tick in ticks(scale.seconds, 7):
        x = scale.x(tick)
        yield element(
            "line",
            x1=x,
            x2=x,
            y1=HEADING - 6,
            y2=bottom,
            stroke="currentColor",
            stroke_opacity=0.13,
        )
        yield note(x, bottom + 14, duration(tick) if tick else "0", anchor="middle")


def _program(record: RunRecord, scale: _Scale, origin: float) -> Iterator[str]:
    yield _name("program", 0)
    for item in record.synchronisations:
        x = scale.x(item.start - origin)
        breadth = max(0.8, scale.x(item.stop - origin) - x)
        span = duration(max(0.0, item.stop - item.start))
        yield element(
            "rect",
            element("title", escaped(f"{item.call} of {plural(len(item.tasks), 'task')}\n{span}")),
            x=x,
            y=HEADING + 5,
            width=breadth,
            height=LANE - 10,
            rx=min(4.0, breadth / 2),
            fill="currentColor",
            fill_opacity=0.12,
            stroke="currentColor",
            stroke_opacity=0.45 if breadth > 3 else 0.1,
            stroke_width=1,
        )
        if breadth > text_width(item.call, 10) + 8:
            yield note(x + 6, HEADING + LANE / 2 + 3.5, item.call, size=10)


def _name(label: str, place: int) -> str:
    return note(MARGIN, HEADING + place * (LANE + GAP) + LANE / 2 + 4, label, size=11)


def _lane(
    lane: Lane, place: int, scale: _Scale, origin: float, colours: Mapping[str, str]
) -> Iterator[str]:
    top = HEADING + place * (LANE + GAP)
    yield _name(lane.label, place)
    yield element(
        "rect",
        x=scale.left,
        y=top,
        width=scale.width,
        height=LANE,
        rx=3,
        fill="currentColor",
        fill_opacity=0.05,
    )
    for block in _blocks(lane, scale, origin):
        yield from _bar(block, top, scale, colours)
    busy = sum(bar.run.seconds for bar in lane.bars) / scale.seconds
    right = scale.left + scale.width + SHARE_WIDTH
    yield note(right, top + LANE / 2 + 4, f"{min(busy, 1.0):.0%}", size=11, anchor="end")


def _blocks(lane: Lane, scale: _Scale, origin: float) -> list[_Block]:
    """Bars of a lane; neighbours less than a pixel apart share one when they are slivers or of one function."""
    blocks: list[_Block] = []
    for bar in lane.bars:
        left = scale.x(bar.run.start - origin)
        right = max(left + 0.6, scale.x(bar.run.start + bar.run.seconds - origin))
        last = blocks[-1] if blocks else None
        is_sliver = right - left < 1.2 and last is not None and last.right - last.left < 1.8
        is_repeat = right - left < 3 and last is not None and set(last.seconds) == {bar.task.name}
        if last is None or left - last.right > 0.8 or not (is_sliver or is_repeat):
            last = _Block(left, right)
            blocks.append(last)
        last.right = max(last.right, right)
        last.seconds[bar.task.name] = last.seconds.get(bar.task.name, 0.0) + bar.run.seconds
        last.count += 1
        last.failed |= not bar.run.succeeded
    return blocks


def _bar(block: _Block, top: float, scale: _Scale, colours: Mapping[str, str]) -> Iterator[str]:
    width = block.right - block.left
    label = short_name(block.name)
    span = duration(sum(block.seconds.values()))
    names = ", ".join(block.seconds)
    # A block of many short runs is as pale as the time between them is long.
    share = sum(block.seconds.values()) * scale.width / scale.seconds / width
    title = f"{names}\n{span}" if block.count == 1 else f"{names} × {block.count:,}\n{span} in all"
    yield element(
        "rect",
        element("title", escaped(title + ("\nfailed" if block.failed else ""))),
        x=block.left,
        y=top + 1,
        width=width,
        height=LANE - 2,
        rx=min(3.0, width / 3),
        fill=colours[block.name],
        fill_opacity=1 if width < 3 else 0.3 + 0.7 * min(1.0, share),
        stroke=FAILURE if block.failed else "currentColor",
        stroke_opacity=1 if block.failed else (0.3 if width > 3 else 0),
        stroke_width=1.6 if block.failed else 0.8,
    )
    if width > text_width(label, 10) + 8:
        yield element(
            "text",
            escaped(label),
            x=block.left + width / 2,
            y=top + LANE / 2 + 3.5,
            font_size=10,
            text_anchor="middle",
            fill="#14181f",
            pointer_events="none",
        )

"""The task graph of a run as a picture: folded, laid out in layers, coloured by function."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from dhtask.observe.colours import FAILURE, TEXT, colours_of
from dhtask.observe.fold import MAXIMUM_NODES, Edge, FoldedGraph, Node, fold
from dhtask.observe.layout import Layout, Point, Size, arrange
from dhtask.observe.legend import NOTE_SIZE, legend, note
from dhtask.observe.record import RunRecord, TaskRecord
from dhtask.observe.svg import document, element, escaped, text_width
from dhtask.observe.words import duration, plural, short_name

MARGIN: Final = 20.0
HEADING: Final = 34.0
LABEL_SIZE: Final = 13
LOOP: Final = 20.0
LEAST_WIDTH: Final = 420.0


def graph_svg(record: RunRecord, *, maximum_nodes: int = MAXIMUM_NODES) -> str:
    """Draw the task graph of a run as SVG.

    Boxes are tasks, coloured by function; equal tasks share a box with a count when there are too many to draw.
    Solid arrows are data, dotted ones lead to and from synchronisations (pills). Every box says more in a tooltip.

    Args:
        record: The run.
        maximum_nodes: Fold equal tasks until at most so many boxes are left.

    Returns:
        The picture as text.
    """
    graph = fold(record, maximum_nodes=maximum_nodes)
    tasks = {task.task: task for task in record.tasks}
    functions = Counter(task.name for task in record.tasks)
    colours = colours_of(functions)
    sizes = [_size(node) for node in graph.nodes]
    layout = arrange(sizes, [(edge.source, edge.target) for edge in graph.edges])
    width = max(LEAST_WIDTH, layout.width + 2 * MARGIN)
    key, legend_height = legend(functions, colours, width - 2 * MARGIN)
    height = HEADING + MARGIN + layout.height + 1.4 * MARGIN + legend_height + MARGIN
    left = (width - layout.width) / 2
    heading = _heading(record)
    return document(
        width,
        height,
        f"Task graph: {heading}",
        _tip(),
        note(MARGIN, MARGIN + 6, heading, size=12.5),
        element(
            "g",
            *(
                _arrow(edge, graph, route)
                for edge, route in zip(graph.edges, layout.routes, strict=True)
            ),
            *_boxes(graph, layout, sizes, tasks, colours),
            transform=f"translate({left:.1f} {HEADING + MARGIN:.1f})",
        ),
        element(
            "g",
            key,
            transform=f"translate({MARGIN:.1f} {height - MARGIN - legend_height:.1f})",
        ),
    )


def _heading(record: RunRecord) -> str:
    parts = [
        plural(len(record.tasks), "task"),
        plural(len({task.name for task in record.tasks}), "function"),
        plural(len(record.synchronisations), "synchronisation"),
    ]
    outcomes = Counter(task.outcome for task in record.tasks)
    parts += [
        f"{outcomes[key]:,} {key}" for key in ("failed", "ignored", "cancelled") if outcomes[key]
    ]
    return " · ".join(parts)


def _tip() -> str:
    tip = element("path", d="M0 0 L8 4 L0 8 z", fill="currentColor")
    marker = element(
        "marker",
        tip,
        id="tip",
        viewBox="0 0 8 8",
        refX=7.4,
        refY=4,
        markerWidth=7,
        markerHeight=7,
        markerUnits="userSpaceOnUse",
        orient="auto-start-reverse",
    )
    return element("defs", marker)


def _label(node: Node) -> str:
    return short_name(node.name)


def _addition(node: Node) -> str:
    """What stands behind the name: how many, or which."""
    if node.count > len(node.name.split(", ")):
        return f"× {node.count:,}"
    return f"{node.tasks[0]}" if node.tasks else ""


def _size(node: Node) -> Size:
    width = text_width(_label(node), LABEL_SIZE) + text_width(_addition(node), LABEL_SIZE - 1) + 8
    group = text_width(_group(node), NOTE_SIZE)
    # Room for the loop on both sides keeps the box under its arrows.
    loop = 2 * LOOP if node.reads_itself else 0.0
    return Size(math.ceil(max(width, group) + 24 + loop), 44.0 if node.groups else 30.0)


def _group(node: Node) -> str:
    return short_name(" / ".join(node.groups))


def _boxes(
    graph: FoldedGraph,
    layout: Layout,
    sizes: Sequence[Size],
    tasks: Mapping[int, TaskRecord],
    colours: Mapping[str, str],
) -> list[str]:
    boxes = []
    for node, centre, size in zip(graph.nodes, layout.centres, sizes, strict=True):
        members = [tasks[number] for number in node.tasks]
        fill = colours.get(node.name, "#d7dbe2")
        boxes.append(_box(node, members, centre, size, fill))
    return boxes


def _box(node: Node, members: Sequence[TaskRecord], centre: Point, size: Size, fill: str) -> str:
    width = size.width - (2 * LOOP if node.reads_itself else 0.0)
    ink = "currentColor" if node.kind == "synchronisation" else TEXT
    addition = element(
        "tspan", escaped(_addition(node)), dx=6, fill_opacity=0.72, font_size=LABEL_SIZE - 1
    )
    rise = -2.5 if node.groups else 4.5
    name = escaped(_label(node)) + addition
    parts = [
        element("title", escaped(_tooltip(node, members))),
        _shape(node, members, centre, Size(width, size.height), fill),
        _centred(name, Point(centre.x, centre.y + rise), LABEL_SIZE, ink),
    ]
    if node.groups:
        place = Point(centre.x, centre.y + 13)
        parts.append(_centred(escaped(_group(node)), place, NOTE_SIZE, ink, opacity=0.72))
    if node.reads_itself:
        parts.append(_loop(centre.x + width / 2, centre.y))
    return element("g", *parts)


def _shape(node: Node, members: Sequence[TaskRecord], centre: Point, size: Size, fill: str) -> str:
    is_pause = node.kind == "synchronisation"
    outcomes = {task.outcome for task in members}
    failed = bool(outcomes & {"failed", "ignored"})
    return element(
        "rect",
        x=centre.x - size.width / 2,
        y=centre.y - size.height / 2,
        width=size.width,
        height=size.height,
        rx=size.height / 2 if is_pause else 7,
        fill="none" if is_pause else fill,
        fill_opacity=0.45 if outcomes and outcomes <= {"cancelled", None} else 1,
        stroke=FAILURE if failed else "currentColor",
        stroke_opacity=1 if failed or is_pause else 0.35,
        stroke_width=2.4 if failed else 1.2,
        **({"stroke_dasharray": "5 3"} if "cancelled" in outcomes else {}),
    )


def _centred(markup: str, place: Point, size: float, ink: str, *, opacity: float = 1.0) -> str:
    return element(
        "text",
        markup,
        x=place.x,
        y=place.y,
        text_anchor="middle",
        font_size=size,
        fill=ink,
        fill_opacity=opacity,
    )


def _loop(x: float, y: float) -> str:
    """The arrow of a node that reads itself."""
    return element(
        "path",
        d=f"M{x:.1f} {y - 7:.1f} C{x + 24:.1f} {y - 20:.1f} {x + 24:.1f} {y + 20:.1f} {x + 1:.1f} {y + 7:.1f}",
        fill="none",
        stroke="currentColor",
        stroke_opacity=0.6,
        stroke_width=1.3,
        marker_end="url(#tip)",
    )


def _tooltip(node: Node, members: Sequence[TaskRecord]) -> str:
    if node.kind == "synchronisation":
        return f"{node.name}\n{plural(node.count, 'synchronisation')}"
    lines = [" / ".join((*node.groups, node.name)), _numbers(node.tasks)]
    seconds = [run.seconds for task in members for run in task.runs]
    if seconds:
        lines.append(f"{duration(sum(seconds))} in {plural(len(seconds), 'run')}")
        if len(seconds) > 1:
            lines.append(f"{duration(min(seconds))} to {duration(max(seconds))} each")
    outcomes = Counter(task.outcome or "not ended" for task in members)
    if set(outcomes) - {"finished"}:
        lines.append(", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.items()))
    lines += [task.error for task in members if task.error][:3]
    return "\n".join(lines)


def _numbers(tasks: Sequence[int]) -> str:
    if len(tasks) == 1:
        return f"task {tasks[0]}"
    shown = ", ".join(str(task) for task in tasks[:8])
    more = f" … {tasks[-1]}" if len(tasks) > 8 else ""
    return f"{len(tasks):,} tasks: {shown}{more}"


def _arrow(edge: Edge, graph: FoldedGraph, route: Sequence[Point]) -> str:
    source, target = graph.nodes[edge.source], graph.nodes[edge.target]
    labels = ", ".join(edge.labels) + (" …" if edge.count > len(edge.labels) > 0 else "")
    times = f" × {edge.count:,}" if edge.count > 1 else ""
    title = f"{source.name} → {target.name}{times}\n{labels}".rstrip()
    return element(
        "path",
        element("title", escaped(title)),
        d=_curve(route),
        fill="none",
        stroke="currentColor",
        stroke_opacity=0.5 if edge.kind == "data" else 0.4,
        stroke_width=1.1 + 0.5 * math.log10(edge.count),
        marker_end="url(#tip)",
        **({"stroke_dasharray": "2 4"} if edge.kind == "order" else {}),
    )


def _curve(route: Sequence[Point]) -> str:
    """A smooth line through the points (Catmull and Rom, 1974) that leaves and arrives upright."""
    parts = [f"M{route[0].x:.1f} {route[0].y:.1f}"]
    for index, (one, other) in enumerate(pairwise(route)):
        rise = (other.y - one.y) / 2
        leaving, arriving = Point(0.0, rise), Point(0.0, rise)
        if index:
            leaving = _direction(route[index - 1], other, rise)
        if index + 2 < len(route):
            arriving = _direction(one, route[index + 2], rise)
        parts.append(
            f"C{one.x + leaving.x:.1f} {one.y + leaving.y:.1f} "
            f"{other.x - arriving.x:.1f} {other.y - arriving.y:.1f} {other.x:.1f} {other.y:.1f}"
        )
    return " ".join(parts)


def _direction(before: Point, after: Point, rise: float) -> Point:
    """Tangent at the point between two others, as long as asked in the vertical."""
    return Point((after.x - before.x) / (after.y - before.y) * rise, rise)

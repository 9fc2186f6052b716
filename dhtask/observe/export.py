"""Task graphs and traces as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from dhtask.errors import ConfigurationError
from dhtask.observe.colours import TEXT, colours_of
from dhtask.observe.drawing import graph_svg
from dhtask.observe.fold import MAXIMUM_NODES, Node, fold
from dhtask.observe.record import RunRecord
from dhtask.observe.trace import trace_json
from dhtask.observe.words import short_name


def graph_dot(record: RunRecord, *, maximum_nodes: int = MAXIMUM_NODES) -> str:
    """Write the task graph of a run in the DOT language of Graphviz.

    Args:
        record: The run.
        maximum_nodes: Fold equal tasks until at most so many nodes are left.

    Returns:
        The text; each task group is a cluster.
    """
    graph = fold(record, maximum_nodes=maximum_nodes)
    colours = colours_of(task.name for task in record.tasks)
    lines = [
        "digraph tasks {",
        '  graph [fontname="sans-serif"];',
        '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontcolor="'
        + TEXT
        + '"];',
        '  edge [color="#667085"];',
        *_clusters(graph.nodes, colours),
    ]
    for edge in graph.edges:
        style = "style=dotted" if edge.kind == "order" else "style=solid"
        label = f", label={_quoted(f'× {edge.count:,}')}" if edge.count > 1 else ""
        tooltip = f", tooltip={_quoted(', '.join(edge.labels))}" if edge.labels else ""
        lines.append(f"  n{edge.source} -> n{edge.target} [{style}{label}{tooltip}];")
    lines += [
        f"  n{index} -> n{index};" for index, node in enumerate(graph.nodes) if node.reads_itself
    ]
    return "\n".join([*lines, "}", ""])


#: Formats of a task graph by the suffix of the file.
GRAPH_WRITERS: Final[Mapping[str, Callable[[RunRecord], str]]] = {
    ".svg": graph_svg,
    ".dot": graph_dot,
    ".json": RunRecord.to_json,
}


def write_graph(record: RunRecord, path: str | Path) -> Path:
    """Write the task graph of a run; the suffix of the file says how.

    Args:
        record: The run.
        path: ``.svg`` is a picture, ``.dot`` is for Graphviz (both fold equal tasks), ``.json`` is the whole record.

    Returns:
        The path.

    Raises:
        ConfigurationError: The suffix is none of these.
    """
    target = Path(path)
    check_graph_path(target)
    target.write_text(GRAPH_WRITERS[target.suffix](record), encoding="utf-8")
    return target


def check_graph_path(path: Path) -> None:
    """Make sure that a task graph can be written in the format that a path asks for.

    Raises:
        ConfigurationError: The suffix names no format.
    """
    if path.suffix not in GRAPH_WRITERS:
        raise ConfigurationError(
            f"expected a task graph file ending in one of {', '.join(GRAPH_WRITERS)}, found {str(path)!r}"
        )


def write_trace(record: RunRecord, path: str | Path) -> Path:
    """Write the timeline of a run for https://ui.perfetto.dev (Chrome trace events).

    Args:
        record: The run.
        path: Of the JSON file.

    Returns:
        The path.
    """
    target = Path(path)
    target.write_text(trace_json(record), encoding="utf-8")
    return target


def _clusters(nodes: tuple[Node, ...], colours: Mapping[str, str]) -> Iterator[str]:
    by_group: dict[tuple[str, ...], list[int]] = {}
    for index, node in enumerate(nodes):
        by_group.setdefault(node.groups, []).append(index)
    for number, (group, indices) in enumerate(by_group.items()):
        if group:
            yield f"  subgraph cluster_{number} {{"
            yield f'    label={_quoted(" / ".join(group))}; style=rounded; color="#98a2b3";'
        for index in indices:
            yield f"    n{index} [{_attributes(nodes[index], colours)}];"
        if group:
            yield "  }"


def _attributes(node: Node, colours: Mapping[str, str]) -> str:
    times = f" × {node.count:,}" if node.count > 1 else ""
    label = _quoted(short_name(node.name) + times)
    if node.kind == "synchronisation":
        return f'label={label}, shape=oval, fillcolor="#ffffff"'
    shown = ", ".join(str(task) for task in node.tasks[:8])
    tooltip = _quoted(f"{node.name}: {shown}{' …' if node.count > 8 else ''}")
    return f'label={label}, fillcolor="{colours.get(node.name, "#d7dbe2")}", tooltip={tooltip}'


def _quoted(text: str) -> str:
    flat = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{flat}"'

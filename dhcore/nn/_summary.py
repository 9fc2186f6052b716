"""A model as a table."""

from __future__ import annotations

from dhcore._ops.graph import Graph, Node

_HEADINGS = ("layer", "operation", "output", "parameters", "reads")


def summary(name: str, graph: Graph) -> str:
    """One row per node, then the totals."""
    counted: set[str] = set()
    rows = []
    for node in graph.nodes:
        own = [graph.slots[slot] for slot in node.slots if slot not in counted]
        counted |= set(node.slots)
        parameters = sum(slot.size for slot in own if slot.role == "parameter")
        reads = ", ".join(graph.nodes[index].name for index in node.inputs)
        rows.append((node.name, _operation(node), str(node.shape), f"{parameters:,}", reads))
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    rule = "-" * (sum(widths) + 2 * len(widths) - 2)
    lines = [_line(row, widths) for row in rows]
    return "\n".join([name, rule, _line(_HEADINGS, widths), rule, *lines, rule, _totals(graph)])


def _operation(node: Node) -> str:
    shown = {
        "kernel": node.attributes.get("kernel"),
        "stride": node.attributes.get("stride"),
    }
    figures = [f"{key} {_short(value)}" for key, value in shown.items() if value is not None]
    return " ".join([node.op, *figures])


def _short(value: object) -> str:
    if isinstance(value, tuple) and len(set(value)) == 1:
        return str(value[0])
    return str(value)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    aligned = [
        cell.rjust(width) if heading == "parameters" else cell.ljust(width)
        for cell, width, heading in zip(cells, widths, _HEADINGS, strict=True)
    ]
    return "  ".join(aligned).rstrip()


def _totals(graph: Graph) -> str:
    slots = graph.slots.values()
    parameters = sum(slot.size for slot in slots if slot.role == "parameter")
    frozen = sum(slot.size for slot in slots if slot.role == "parameter" and not slot.trainable)
    buffers = graph.flat_size("buffer")
    rest = f", {frozen:,} of them frozen" if frozen else ""
    return f"{parameters:,} parameters{rest}; {buffers:,} buffer elements; {4 * (parameters + buffers) / 2**20:.1f} MiB"

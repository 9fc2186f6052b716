"""The graph shown to people: nodes, edges, and why a task waits."""

from __future__ import annotations

from dataclasses import dataclass

from dhtask._graph.ledger import Ledger
from dhtask._graph.nodes import ENDED, State, Status, TaskNode, VersionNode
from dhtask._graph.tracker import parents_of_version
from dhtask._model.invocation import TaskId


@dataclass(frozen=True, slots=True)
class Node:
    """A task."""

    task: TaskId
    name: str
    state: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """That one task reads what another wrote."""

    parent: TaskId
    child: TaskId
    #: Of the version that is read: ``d3v1``.
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Nodes and edges in the order of the calls; an ended task has no edges to its parents."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def draw(ledger: Ledger) -> Picture:
    """Show the tasks that are not forgotten."""
    nodes, edges = [], []
    for task in ledger.tasks.values():
        nodes.append(Node(task.id, task.name, str(task.state), task.groups))
        edges += [Edge(parent, task.id, label) for parent, label in parents_of(ledger, task.id)]
    return Picture(tuple(nodes), tuple(edges))


def parents_of(ledger: Ledger, task: TaskId) -> tuple[tuple[TaskId, str], ...]:
    """Tasks whose results an unfinished task reads: the whole row when that is commutative or concurrent."""
    node = ledger.tasks.get(task)
    if node is None:
        return ()
    parents: dict[tuple[TaskId, str], None] = {}
    for _, version in node.reads:
        row = version.made_by
        own = row is not None and task in row.members
        parents.update(dict.fromkeys(row.origin if own and row else parents_of_version(version)))
    for _, row in node.rows or ():
        parents.update(dict.fromkeys(row.origin))
    return tuple(parents)


def why_waits(ledger: Ledger, task: TaskId) -> str:
    """Explain what a task waits for, predecessors of predecessors indented under them."""
    node = ledger.tasks.get(task)
    if node is None:
        return (
            f"task {task} has ended and is forgotten"
            if task <= ledger.last_task
            else f"no task {task}"
        )
    lines: list[str] = []
    stack: list[tuple[int, TaskNode, str]] = [(0, node, "")]
    told: set[TaskId] = set()
    while stack:
        depth, node, label = stack.pop()
        lines.append(f"{'  ' * depth}{label}{node.title} is {_reason(ledger, node)}")
        if node.id in told or node.state in ENDED:
            continue
        told.add(node.id)
        waits = [v for _, v in node.reads if v.status is not Status.AVAILABLE]
        stack += [
            (depth + 1, version.writer, f"{version.version.label} <- ")
            for version in dict.fromkeys(reversed(waits))
            if version.writer is not None
        ]
        lines += [f"{'  ' * (depth + 1)}{_row_reason(v)}" for v in waits if v.writer is None]
    return "\n".join(lines)


def _reason(ledger: Ledger, task: TaskNode) -> str:
    if task.state is State.READY:
        return f"ready; {ledger.in_flight} of at most {ledger.max_in_flight} tasks are in flight"
    if task.state is State.SENT:
        return f"sent (attempt {task.attempt})"
    if task.state is State.WAITING and task.rows is not None:
        return "waiting for its place among commutative tasks"
    return str(task.state)


def _row_reason(node: VersionNode) -> str:
    members = () if node.made_by is None else node.made_by.members
    tasks = ", ".join(str(member) for member in members)
    return f"{node.version.label} <- all of the tasks {tasks}"

"""From the tasks of a run to a drawing of bearable size: equal tasks become one node with a count.

A run of ten thousand tasks has no readable picture, but it has a shape, and the shape is small::

    load  load  load ... (128)            load x 128
     |     |     |                            |
    gradient gradient ... (128)   ->     gradient x 128
      \\   /   \\   /                           |
      merge   merge   ... (127)          merge x 127  (reads itself)

`fold` tries a ladder of ways to call two tasks equal, from "never" to "same function", and takes the first
whose drawing fits. Every task is in exactly one node, so the counts always add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dhtask.observe.record import RunRecord, Synchronisation, TaskRecord

MAXIMUM_NODES: Final = 90
#: Layers wider or deeper than this make a picture nobody can take in at once.
MAXIMUM_WIDTH: Final = 14
MAXIMUM_DEPTH: Final = 36

NodeKind = Literal["task", "synchronisation"]
EdgeKind = Literal["data", "order"]
Key = Hashable
Keying = Callable[[Sequence[TaskRecord]], dict[int, Key]]


@dataclass(frozen=True, slots=True)
class Node:
    """One box of the drawing: equal tasks, or equal synchronisations."""

    kind: NodeKind
    #: Name of the function, or of the call that synchronised.
    name: str
    #: Identifiers of the tasks; empty for a synchronisation.
    tasks: tuple[int, ...]
    #: How many tasks or synchronisations the node stands for.
    count: int
    #: Task groups that all its tasks share.
    groups: tuple[str, ...]
    #: Tasks of this node read results of tasks of this node.
    reads_itself: bool
    #: Position in the order of calls, by which cycles among folded nodes are broken.
    position: float


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two nodes, given by their indices."""

    source: int
    target: int
    kind: EdgeKind
    #: Number of dependencies that the arrow stands for.
    count: int
    #: Labels of the data that pass, at most a few.
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoldedGraph:
    """Nodes in the order of calls and the arrows between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class _Pause:
    """Synchronisations with no task call between them."""

    call: str
    tasks: frozenset[int]
    count: int
    position: int


def fold(record: RunRecord, *, maximum_nodes: int = MAXIMUM_NODES) -> FoldedGraph:
    """Fold the tasks of a run until the drawing has at most `maximum_nodes` nodes.

    Args:
        record: The run.
        maximum_nodes: Greatest number of nodes. When even one node per function is too many, the rarest
            functions share one node.

    Returns:
        The drawing; each task of the run is in exactly one node.
    """
    pauses = _pauses(record)
    phases = _phases(record.tasks, pauses)
    ladder: tuple[tuple[Keying, bool], ...] = (
        (_each, True),
        (lambda tasks: _by_ancestry(tasks, phases), True),
        (lambda tasks: _by_depth(tasks, phases), True),
        (lambda tasks: {t.task: (t.name, t.groups, phases[t.task]) for t in tasks}, True),
        (lambda tasks: {t.task: (t.name, t.groups) for t in tasks}, False),
        (lambda tasks: {t.task: t.name for t in tasks}, False),
    )
    for keying, with_phases in ladder:
        keys = keying(record.tasks)
        if len(set(keys.values())) + (len(pauses) if with_phases else 1) > maximum_nodes:
            continue
        graph = _quotient(record.tasks, keys, pauses, phases if with_phases else None)
        if _is_readable(graph):
            return graph
    keys = _by_frequency(record.tasks, max(1, maximum_nodes - len({p.call for p in pauses})))
    return _quotient(record.tasks, keys, pauses, None)


def depths(node_count: int, arrows: Iterable[tuple[int, int]]) -> list[int]:
    """Longest path from a source to each node; every arrow must lead from a lower to a higher index."""
    depth = [0] * node_count
    for source, target in sorted(arrows):
        depth[target] = max(depth[target], depth[source] + 1)
    return depth


def _is_readable(graph: FoldedGraph) -> bool:
    arrows = {(min(e.source, e.target), max(e.source, e.target)) for e in graph.edges}
    depth = depths(len(graph.nodes), arrows)
    widest = max(Counter(depth).values(), default=0)
    return widest <= MAXIMUM_WIDTH and max(depth, default=0) < MAXIMUM_DEPTH


def _pauses(record: RunRecord) -> list[_Pause]:
    """Synchronisations, those with no task call between them as one; one before any call shows nothing."""
    pauses: list[_Pause] = []
    by_position: dict[int, list[Synchronisation]] = {}
    for item in record.synchronisations:
        if item.position:
            by_position.setdefault(item.position, []).append(item)
    before = 0
    for position, items in sorted(by_position.items()):
        tasks = frozenset(task for item in items for task in item.tasks)
        if not tasks:
            # Not told what it waited for: whatever was called since the pause before.
            tasks = frozenset(task.task for task in record.tasks[before:position])
        calls = list(dict.fromkeys(item.call for item in items))
        pauses.append(_Pause(", ".join(calls), tasks, len(items), position))
        before = position
    return pauses


def _phases(tasks: Sequence[TaskRecord], pauses: Sequence[_Pause]) -> dict[int, int]:
    """Number of pauses before each task."""
    phases: dict[int, int] = {}
    passed = 0
    for position, task in enumerate(tasks):
        while passed < len(pauses) and pauses[passed].position <= position:
            passed += 1
        phases[task.task] = passed
    return phases


def _each(tasks: Sequence[TaskRecord]) -> dict[int, Key]:
    return {task.task: task.task for task in tasks}


def _by_ancestry(tasks: Sequence[TaskRecord], phases: dict[int, int]) -> dict[int, Key]:
    """Equal: same function, groups and phase, and parents that are equal in turn."""
    classes: dict[Key, int] = {}
    keys: dict[int, Key] = {}
    for task in tasks:
        parents = frozenset(keys[p.task] for p in task.parents if p.task in keys)
        key = (task.name, task.groups, phases[task.task], parents)
        keys[task.task] = classes.setdefault(key, len(classes))
    return keys


def _by_depth(tasks: Sequence[TaskRecord], phases: dict[int, int]) -> dict[int, Key]:
    """Equal: same function, groups and phase, at the same distance from the tasks that read nothing."""
    depth: dict[int, int] = {}
    for task in tasks:
        depth[task.task] = 1 + max((depth.get(p.task, 0) for p in task.parents), default=0)
    return {t.task: (t.name, t.groups, phases[t.task], depth[t.task]) for t in tasks}


def _by_frequency(tasks: Sequence[TaskRecord], maximum: int) -> dict[int, Key]:
    """Equal: same function; the rarest functions are all equal when there are too many."""
    frequency = Counter(task.name for task in tasks)
    kept = {name for name, _ in frequency.most_common()}
    if len(kept) > maximum:
        kept = {name for name, _ in frequency.most_common(maximum - 1)}
    return {task.task: task.name if task.name in kept else None for task in tasks}


def _quotient(
    tasks: Sequence[TaskRecord],
    keys: dict[int, Key],
    pauses: Sequence[_Pause],
    phases: dict[int, int] | None,
) -> FoldedGraph:
    """One node for each key, in the order of its first call; then one for each pause."""
    members: dict[Key, list[TaskRecord]] = {}
    place: dict[int, int] = {}
    for position, task in enumerate(tasks):
        members.setdefault(keys[task.task], []).append(task)
        place[task.task] = position
    folded_pauses = list(pauses) if phases is not None else _pauses_by_call(pauses)
    nodes = [_task_node(group, place) for group in members.values()]
    nodes += [
        Node(
            "synchronisation",
            p.call,
            (),
            p.count,
            (),
            reads_itself=False,
            position=p.position - 0.5,
        )
        for p in folded_pauses
    ]
    order = sorted(range(len(nodes)), key=lambda index: nodes[index].position)
    rank = {index: number for number, index in enumerate(order)}
    key_rank = {key: rank[index] for index, key in enumerate(members)}
    node_of = {task: key_rank[key] for task, key in keys.items()}
    pause_of = [rank[len(members) + index] for index in range(len(folded_pauses))]
    edges = [
        *_data_edges(tasks, node_of),
        *_awaited_edges(tasks, node_of, folded_pauses, pause_of),
    ]
    if phases is not None:
        edges += _order_edges(tasks, node_of, phases, pause_of)
    return FoldedGraph(tuple(nodes[index] for index in order), tuple(edges))


def _pauses_by_call(pauses: Sequence[_Pause]) -> list[_Pause]:
    """One pause for each call, at the place of the last."""
    by_call: dict[str, _Pause] = {}
    for pause in pauses:
        before = by_call.get(pause.call, _Pause(pause.call, frozenset(), 0, 0))
        tasks = before.tasks | pause.tasks
        by_call[pause.call] = _Pause(pause.call, tasks, before.count + pause.count, pause.position)
    return list(by_call.values())


def _task_node(group: Sequence[TaskRecord], place: dict[int, int]) -> Node:
    names = {task.name for task in group}
    inside = {task.task for task in group}
    return Node(
        kind="task",
        name=group[0].name if len(names) == 1 else f"{len(names)} other functions",
        tasks=tuple(task.task for task in group),
        count=len(group),
        groups=_shared_prefix([task.groups for task in group]),
        reads_itself=any(p.task in inside for task in group for p in task.parents),
        position=place[group[0].task],
    )


def _shared_prefix(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    shared = paths[0]
    for path in paths:
        length = 0
        while length < min(len(shared), len(path)) and shared[length] == path[length]:
            length += 1
        shared = shared[:length]
    return shared


def _data_edges(tasks: Sequence[TaskRecord], node_of: dict[int, int]) -> Iterator[Edge]:
    counts: Counter[tuple[int, int]] = Counter()
    labels: dict[tuple[int, int], list[str]] = {}
    for task in tasks:
        for parent in task.parents:
            if parent.task not in node_of:
                continue
            ends = (node_of[parent.task], node_of[task.task])
            if ends[0] != ends[1]:
                counts[ends] += 1
                if len(shown := labels.setdefault(ends, [])) < 4 and parent.label not in shown:
                    shown.append(parent.label)
    for ends, count in counts.items():
        yield Edge(*ends, kind="data", count=count, labels=tuple(labels[ends]))


def _awaited_edges(
    tasks: Sequence[TaskRecord],
    node_of: dict[int, int],
    pauses: Sequence[_Pause],
    pause_of: Sequence[int],
) -> Iterator[Edge]:
    """From what a pause waited for; what others that it waited for read is implied."""
    by_task = {task.task: task for task in tasks}
    for pause, index in zip(pauses, pause_of, strict=True):
        waited = [by_task[number] for number in pause.tasks if number in by_task]
        implied = {parent.task for task in waited for parent in task.parents}
        counts = Counter(node_of[task.task] for task in waited if task.task not in implied)
        for source, count in sorted(counts.items()):
            yield Edge(source, index, kind="order", count=count, labels=())


def _order_edges(
    tasks: Sequence[TaskRecord],
    node_of: dict[int, int],
    phases: dict[int, int],
    pause_of: Sequence[int],
) -> Iterator[Edge]:
    """From a pause to what was called next and reads nothing that was called since."""
    counts: Counter[tuple[int, int]] = Counter()
    for task in tasks:
        phase = phases[task.task]
        if phase and all(phases.get(parent.task) != phase for parent in task.parents):
            counts[pause_of[phase - 1], node_of[task.task]] += 1
    for (source, target), count in counts.items():
        yield Edge(source, target, kind="order", count=count, labels=())

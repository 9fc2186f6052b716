"""Which neighbouring nodes become one step.

A node joins the one before it when nothing else reads what lies between them::

    convolution, linear, batch_norm, add   +   relu

In the first three oneDNN rectifies, and takes what is not a number for 0; a model that diverges still shows it in the
loss, since its last layer is not rectified.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, final

from dhcore._ops.graph import Graph, Node

_BEFORE_RELU: Final = frozenset({"convolution", "linear", "batch_norm", "add"})


@final
@dataclass(frozen=True, slots=True)
class Group:
    """Nodes that are lowered together; the value of the last one is the group's."""

    graph: Graph
    indices: tuple[int, ...]

    @property
    def first(self) -> Node:
        """The node that reads what the group reads."""
        return self.graph.nodes[self.indices[0]]

    @property
    def result(self) -> int:
        """Index of the node whose value the group makes."""
        return self.indices[-1]

    @property
    def has_relu(self) -> bool:
        """Whether its result is rectified."""
        return len(self.indices) > 1

    @property
    def name(self) -> str:
        """Name of the layer, for messages and profiles."""
        return self.first.name or f"{self.first.op} {self.indices[0]}"

    def parts(self) -> list[Group]:
        """Return its nodes as groups of their own."""
        return [Group(self.graph, (index,)) for index in self.indices]


def fuse(graph: Graph, wanted: frozenset[int]) -> list[Group]:
    """Split the wanted nodes into groups, in an order in which each reads only groups before it."""
    readers = Counter(i for index in sorted(wanted) for i in graph.nodes[index].inputs)
    outputs = set(graph.outputs.values())
    groups: list[Group] = []
    joined: set[int] = set()
    follower = _relu_after(graph, wanted)
    for index in sorted(wanted):
        if index in joined:
            continue
        relu = follower.get(index)
        fits = (
            graph.nodes[index].op in _BEFORE_RELU and readers[index] == 1 and index not in outputs
        )
        if relu is not None and fits:
            joined.add(relu)
            groups.append(Group(graph, (index, relu)))
        else:
            groups.append(Group(graph, (index,)))
    return groups


def _relu_after(graph: Graph, wanted: frozenset[int]) -> dict[int, int]:
    return {
        graph.nodes[index].inputs[0]: index
        for index in sorted(wanted)
        if graph.nodes[index].op == "relu"
    }


def needed(graph: Graph, outputs: list[int]) -> frozenset[int]:
    """Return the nodes that these outputs depend on."""
    found: set[int] = set()
    waiting = list(outputs)
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting.extend(graph.nodes[index].inputs)
    return frozenset(found)

from __future__ import annotations

from dhcore._plan.fusion import fuse, needed
from tests.dhcore.plan.graphs import Sketch


def groups_of(s: Sketch) -> list[tuple[str, ...]]:
    graph = s.graph()
    everything = needed(graph, list(graph.outputs.values()))
    return [tuple(graph.nodes[i].op for i in group.indices) for group in fuse(graph, everything)]


def test_a_rectification_joins_the_layer_before_it() -> None:
    s = Sketch()
    s.outputs["y"] = s.relu(s.batch_norm(s.convolution(s.input("x", (3, 4, 4)), 8)))
    assert groups_of(s) == [("input",), ("convolution",), ("batch_norm", "relu")]


def test_a_value_that_another_node_reads_is_kept() -> None:
    s = Sketch()
    x = s.convolution(s.input("x", (3, 4, 4)), 8)
    s.outputs["y"] = s.apply("add", x, s.relu(x))
    assert ("convolution", "relu") not in groups_of(s)


def test_a_value_that_is_an_output_is_kept() -> None:
    s = Sketch()
    s.outputs["before"] = s.convolution(s.input("x", (3, 4, 4)), 8)
    s.outputs["after"] = s.relu(s.outputs["before"])
    assert groups_of(s) == [("input",), ("convolution",), ("relu",)]


def test_what_no_output_depends_on_is_left_out() -> None:
    s = Sketch()
    x = s.input("x", (3, 4, 4))
    s.convolution(x, 8)
    s.outputs["y"] = s.relu(x)
    assert groups_of(s) == [("input",), ("relu",)]

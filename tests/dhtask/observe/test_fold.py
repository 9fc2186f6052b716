"""Folding equal tasks into one node."""

from __future__ import annotations

from collections import Counter

import pytest

from dhtask._model.observation import Synchronised
from dhtask.observe.fold import MAXIMUM_NODES, FoldedGraph, fold
from dhtask.observe.record import RunRecord
from tests.dhtask.observe.runs import RUNS, Scenario, chain, many_functions, small, training, wide


def dependencies(record: RunRecord) -> int:
    return sum(len(task.parents) for task in record.tasks)


def inner_dependencies(record: RunRecord, graph: FoldedGraph) -> int:
    node_of = {task: index for index, node in enumerate(graph.nodes) for task in node.tasks}
    return sum(node_of[p.task] == node_of[t.task] for t in record.tasks for p in t.parents)


@pytest.mark.parametrize("name", RUNS)
def test_every_task_is_in_exactly_one_node(name: str) -> None:
    record = RUNS[name]()
    graph = fold(record)
    members = Counter(task for node in graph.nodes for task in node.tasks)
    assert members == Counter(task.task for task in record.tasks)
    assert all(node.count == len(node.tasks) for node in graph.nodes if node.kind == "task")


@pytest.mark.parametrize("name", RUNS)
def test_a_folded_drawing_is_small(name: str) -> None:
    assert len(fold(RUNS[name]()).nodes) <= MAXIMUM_NODES


@pytest.mark.parametrize("name", RUNS)
def test_every_dependency_is_counted_once(name: str) -> None:
    record = RUNS[name]()
    graph = fold(record)
    between = sum(edge.count for edge in graph.edges if edge.kind == "data")
    assert between + inner_dependencies(record, graph) == dependencies(record)


@pytest.mark.parametrize("name", RUNS)
def test_every_synchronisation_is_counted_once(name: str) -> None:
    record = RUNS[name]()
    pauses = [node for node in fold(record).nodes if node.kind == "synchronisation"]
    assert sum(node.count for node in pauses) == len(record.synchronisations)


def test_a_small_run_is_not_folded() -> None:
    graph = fold(small())
    assert sorted(node.count for node in graph.nodes if node.kind == "task") == [1] * 17


def test_a_map_becomes_one_node() -> None:
    counts = {node.name: node.count for node in fold(wide()).nodes if node.name != "merge"}
    assert counts == {"load": 3333, "gradient": 3333, "wait_on": 1}


def test_a_chain_becomes_a_node_that_reads_itself() -> None:
    graph = fold(chain())
    (node,) = [node for node in graph.nodes if node.kind == "task"]
    assert (node.count, node.reads_itself) == (10_000, True)


def test_training_is_folded_by_epoch() -> None:
    graph = fold(training(epochs=3, steps=20))
    nodes = [node for node in graph.nodes if node.name == "gradient"]
    assert [(node.groups, node.count) for node in nodes] == [
        ((f"epoch {number}",), 80) for number in (1, 2, 3)
    ]


def test_too_many_functions_share_a_node() -> None:
    graph = fold(many_functions(), maximum_nodes=20)
    assert len(graph.nodes) <= 20
    assert any(node.name.endswith("other functions") for node in graph.nodes)


def test_what_was_called_after_a_synchronisation_is_drawn_under_it() -> None:
    graph = fold(small())
    names = [node.name for node in graph.nodes]
    drawn = {(names[e.source], names[e.target]) for e in graph.edges if e.kind == "order"}
    assert drawn == {
        ("merge", "wait_on"),
        ("wait_on", "main.<locals>.evaluate"),
        ("report", "barrier"),
    }


def test_synchronisations_with_nothing_between_them_are_one() -> None:
    run = Scenario()
    tasks = [run.call("f") for _ in range(5)]
    for task in tasks:
        run.wait([task])
    nodes = [node for node in fold(run.close()).nodes if node.kind == "synchronisation"]
    assert [(node.name, node.count) for node in nodes] == [("wait_on", 5)]


def test_calls_that_synchronise_at_one_place_share_a_node() -> None:
    run = Scenario()
    task = run.call("f")
    run.wait([task], "barrier")
    run.wait([task], "wait_on")
    (node,) = [node for node in fold(run.close()).nodes if node.kind == "synchronisation"]
    assert (node.name, node.count) == ("barrier, wait_on", 2)


def test_a_synchronisation_that_does_not_say_for_what_waited_for_what_was_called_since() -> None:
    run = Scenario()
    first = run.call("f")
    run.recorder.observe(Synchronised("barrier", (), run.moment, run.moment))
    run.call("h", [run.call("g", [first])])
    run.recorder.observe(Synchronised("barrier", (), run.moment, run.moment))
    graph = fold(run.close())
    names = [node.name for node in graph.nodes]
    assert names == ["f", "barrier", "g", "h", "barrier"]
    order = [(edge.source, edge.target) for edge in graph.edges if edge.kind == "order"]
    assert sorted(order) == [(0, 1), (1, 2), (3, 4)]


def test_a_synchronisation_before_any_call_is_not_drawn() -> None:
    run = Scenario()
    run.recorder.observe(Synchronised("stop", (), run.moment, run.moment))
    assert fold(run.close()).nodes == ()


def test_tasks_of_different_groups_are_not_equal() -> None:
    run = Scenario()
    for number in range(60):
        run.call("f", groups=["odd" if number % 2 else "even"])
    nodes = fold(run.close()).nodes
    assert [(node.groups, node.count) for node in nodes] == [(("even",), 30), (("odd",), 30)]

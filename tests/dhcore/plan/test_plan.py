from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from dhcore import threads
from dhcore._backends.cpu.onednn import library
from dhcore._ops.graph import Graph
from dhcore._plan import Plan, compile_plan
from dhcore.errors import GraphError, ShapeError, StateError
from dhcore.optim import SGD, Adam
from tests.dhcore.plan import graphs
from tests.dhcore.plan.graphs import Sketch
from tests.dhcore.plan.oracle import distance, truth, view

TRAIN = """
import hashlib
from dhcore._plan import compile_plan
from dhcore.optim import SGD
from tests.dhcore.plan import graphs
graph = graphs.u_network(32, base=32, levels=2)
plan = compile_plan(graph, batch=2, threads=2)
plan.load(*graphs.state(graph))
for step in range(2):
    plan.train_step(graphs.batch(graph, 2), SGD(0.1, momentum=0.9), step=step)
print(hashlib.sha256(plan.parameters().tobytes() + plan.buffers().tobytes()).hexdigest())
"""


def classifier(*, batch_norm: bool = False, dropout: float = 0.0) -> Graph:
    s = Sketch()
    x = s.convolution(s.input("x", (3, 8, 8)), 6, bias=not batch_norm)
    x = s.relu(s.batch_norm(x) if batch_norm else x)
    x = s.apply("dropout", x, rate=dropout) if dropout else x
    s.loss("softmax_cross_entropy", s.linear(s.flatten(x), 4))
    return s.graph()


def ready(graph: Graph, rows: int, **options: bool) -> Plan:
    plan = compile_plan(graph, batch=rows, threads=2, **options)
    plan.load(*graphs.state(graph))
    return plan


def test_what_is_loaded_comes_back_in_canonical_order() -> None:
    graph = graphs.u_network(16, base=6, levels=2)
    parameters, buffers = graphs.state(graph)
    plan = ready(graph, 2)
    np.testing.assert_array_equal(plan.parameters(), parameters)
    np.testing.assert_array_equal(plan.buffers(), buffers)


@pytest.mark.parametrize("portable", [False, True], ids=["onednn", "portable"])
@pytest.mark.parametrize("options", [{}, {"batch_norm": True}, {"dropout": 0.5}], ids=str)
def test_fewer_rows_have_the_gradient_of_a_batch_of_their_size(
    options: dict[str, float], portable: bool
) -> None:
    graph = classifier(**options)
    inputs = graphs.batch(graph, 3)
    plan = ready(graph, 8, portable=portable)
    found, expected = plan.gradients(inputs, seed=3), truth(graph, graphs.state(graph), inputs)
    assert found.outputs["prediction"].shape == (3, 4)
    np.testing.assert_allclose(found.outputs["loss"], expected.outputs["loss"], rtol=1e-5)
    for slot, gradient in expected.gradients.items():
        assert distance(view(graph, slot, found.flat), gradient) < 1e-4


def test_fewer_rows_have_the_outputs_of_a_batch_of_their_size() -> None:
    graph = classifier(batch_norm=True)
    inputs = graphs.batch(graph, 3)
    expected = truth(graph, graphs.state(graph), inputs, training=False).outputs["prediction"]
    found = ready(graph, 8).forward({"x": inputs["x"]})["prediction"]
    assert distance(found, expected) < 1e-5


def test_only_outputs_that_the_inputs_reach_are_computed() -> None:
    graph = classifier()
    assert list(ready(graph, 2).forward({"x": graphs.batch(graph, 2)["x"]})) == ["prediction"]


def test_a_weight_that_is_left_out_is_one() -> None:
    graph = classifier()
    inputs = graphs.batch(graph, 4)
    plan = ready(graph, 4)
    ones = plan.gradients({**inputs, "weight": np.ones(4, np.float32)})
    del inputs["weight"]
    np.testing.assert_array_equal(plan.gradients(inputs).flat, ones.flat)


def test_gradients_of_parts_weighted_by_their_sums_add_up_to_that_of_the_union() -> None:
    graph = classifier()
    inputs = graphs.batch(graph, 6)
    plan = ready(graph, 6)
    whole = plan.gradients(inputs).flat
    parts = [
        {name: array[rows] for name, array in inputs.items()} for rows in (slice(0, 2), slice(2, 6))
    ]
    total = sum(plan.gradients(part).flat * part["weight"].sum() for part in parts)
    assert distance(total / inputs["weight"].sum(), whole) < 1e-5


@pytest.mark.parametrize(
    "rule",
    [SGD(0.1, momentum=0.9, weight_decay=0.01), Adam(0.01, weight_decay=0.1)],
    ids=["sgd", "adam"],
)
def test_a_training_step_is_the_gradient_and_then_the_optimizer(rule: SGD | Adam) -> None:
    graph = graphs.u_network(16, base=6, levels=1)
    flags = np.concatenate(
        [np.full(s.size, s.decay) for s in graph.slots.values() if s.role == "parameter"]
    )
    inputs = graphs.batch(graph, 2)
    plan, other = ready(graph, 2), ready(graph, 2)
    parameters, buffers = graphs.state(graph)
    slots = rule.slots(parameters.size)
    for step in range(3):
        plan.train_step(inputs, rule, step=step)
        other.load(parameters, buffers)
        gradient = other.gradients(inputs, step=step).flat
        buffers = other.buffers()
        rule.update(parameters, gradient, slots, step, decay=flags)
    np.testing.assert_allclose(plan.parameters(), parameters, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(plan.buffers(), buffers, rtol=1e-6)
    for name, values in plan.slots().items():
        np.testing.assert_allclose(values, slots[name], rtol=1e-4, atol=1e-6)


def test_training_goes_on_from_a_state_that_was_taken_out() -> None:
    graph, rule = classifier(batch_norm=True), SGD(0.1, momentum=0.9)
    inputs = graphs.batch(graph, 4)
    plan, resumed = ready(graph, 4), ready(graph, 4)
    plan.train_step(inputs, rule, step=0)
    resumed.load(plan.parameters(), plan.buffers())
    resumed.load_slots(plan.slots())
    for each in (plan, resumed):
        each.train_step(inputs, rule, step=1)
    np.testing.assert_array_equal(plan.parameters(), resumed.parameters())


def test_a_loss_without_weights_is_not_taken_over_rows_of_padding() -> None:
    s = Sketch()
    x = s.convolution(s.input("x", (3, 4, 4)), 2)
    s.outputs["loss"] = s.apply("mean_squared_error", x, s.input("target", (2, 4, 4)))
    graph = s.graph()
    inputs = graphs.batch(graph, 3, classes=False)
    plan, expected = ready(graph, 8), truth(graph, graphs.state(graph), inputs)
    for outputs in (plan.forward(inputs), plan.gradients(inputs).outputs):
        np.testing.assert_allclose(outputs["loss"], expected.outputs["loss"], rtol=1e-5)


@pytest.mark.parametrize("named", ["x", "everything"])
def test_a_forward_pass_in_training_takes_the_statistics_of_the_batch(named: str) -> None:
    graph = classifier(batch_norm=True)
    inputs = graphs.batch(graph, 3)
    expected = truth(graph, graphs.state(graph), inputs)
    plan = ready(graph, 4)
    given = {"x": inputs["x"]} if named == "x" else inputs
    found = plan.forward(given, training=True)
    assert distance(found["prediction"], expected.outputs["prediction"]) < 1e-5
    for slot, values in expected.buffers.items():
        assert distance(view(graph, slot, plan.buffers()), values) < 1e-5


def test_programs_of_other_batches_are_forgotten_and_made_again() -> None:
    graph = classifier(batch_norm=True)
    plan = ready(graph, 8)
    first = plan.gradients(graphs.batch(graph, 1)).flat
    for rows in range(2, 8):
        plan.gradients(graphs.batch(graph, rows))
    np.testing.assert_array_equal(plan.gradients(graphs.batch(graph, 1)).flat, first)


def test_a_frozen_parameter_has_a_gradient_and_stays() -> None:
    graph = classifier()
    name = next(name for name in graph.slots if name.endswith("weight"))
    slots = {**graph.slots, name: replace(graph.slots[name], trainable=False)}
    graph = replace(graph, slots=slots)
    plan, inputs = ready(graph, 2), graphs.batch(graph, 2)
    before = view(graph, name, plan.parameters()).copy()
    assert np.abs(view(graph, name, plan.gradients(inputs).flat)).max() > 0
    plan.train_step(inputs, SGD(0.1), step=0)
    np.testing.assert_array_equal(view(graph, name, plan.parameters()), before)
    assert (plan.parameters() != graphs.state(graph)[0]).any()


def test_dropout_depends_on_seed_and_step_alone() -> None:
    graph = classifier(dropout=0.5)
    plan, inputs = ready(graph, 4), graphs.batch(graph, 4)
    first = plan.gradients(inputs, seed=1, step=0).flat
    assert (plan.gradients(inputs, seed=1, step=1).flat != first).any()
    np.testing.assert_array_equal(plan.gradients(inputs, seed=1, step=0).flat, first)


@pytest.mark.slow
def test_two_processes_with_as_many_threads_get_the_same_bits() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", TRAIN], check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    }
    assert len(digests) == 1


def test_a_plan_runs_on_as_many_threads_as_it_was_compiled_for() -> None:
    graph = graphs.residual_network(32, width=16, blocks=(1, 1))
    inputs = graphs.batch(graph, 2)
    one, two = compile_plan(graph, batch=2, threads=1), compile_plan(graph, batch=2, threads=2)
    results = []
    for plan in (one, two, one):
        plan.load(*graphs.state(graph))
        with threads.limit(2):
            results.append(plan.gradients(inputs).flat)
    np.testing.assert_array_equal(results[0], results[2])
    assert distance(results[1], results[0]) < 1e-5


def test_both_kinds_of_kernels_agree() -> None:
    graph = graphs.u_network(16, base=8, levels=2)
    inputs = graphs.batch(graph, 2)
    fast, portable = ready(graph, 2), ready(graph, 2, portable=True)
    assert portable.is_portable
    found, expected = fast.gradients(inputs), portable.gradients(inputs)
    assert distance(found.outputs["prediction"], expected.outputs["prediction"]) < 1e-5
    # A rectification near 0 may open in one and not in the other.
    assert distance(found.flat, expected.flat) < 2e-2


def test_a_parameter_that_the_loss_ignores_has_no_gradient() -> None:
    s = Sketch()
    x = s.input("x", (3, 4, 4))
    s.outputs["unused"] = s.convolution(x, 4, name="unused")
    s.loss("softmax_cross_entropy", s.convolution(x, 2))
    graph = s.graph()
    gradient = ready(graph, 2).gradients(graphs.batch(graph, 2)).flat
    assert not view(graph, "unused.weight", gradient).any()
    assert gradient.any()


def test_an_integer_image_is_taken_as_numbers() -> None:
    graph = classifier()
    plan, inputs = ready(graph, 2), graphs.batch(graph, 2)
    pixels = (inputs["x"] * 20).astype(np.int16)
    as_floats = plan.forward({"x": pixels.astype(np.float32)})["prediction"]
    np.testing.assert_array_equal(plan.forward({"x": pixels})["prediction"], as_floats)


def test_a_graph_without_a_loss_cannot_be_trained() -> None:
    graph = replace(classifier(), outputs={"prediction": 5})
    with pytest.raises(GraphError, match="loss"):
        compile_plan(graph, batch=2)


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        ({"x": np.zeros((2, 3, 8, 7), np.float32)}, ShapeError),
        ({"x": np.zeros((5, 3, 8, 8), np.float32)}, ShapeError),
        ({"x": np.zeros((0, 3, 8, 8), np.float32)}, ShapeError),
        ({"y": np.zeros((2, 3, 8, 8), np.float32)}, GraphError),
        ({}, ShapeError),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    inputs: dict[str, np.ndarray], error: type[Exception]
) -> None:
    with pytest.raises(error, match="expected"):
        ready(classifier(), 4).forward(inputs)


def test_training_without_a_target_is_refused() -> None:
    graph = classifier()
    with pytest.raises(GraphError, match="target"):
        ready(graph, 2).gradients({"x": graphs.batch(graph, 2)["x"]})


def test_a_state_of_another_length_is_refused() -> None:
    with pytest.raises(StateError, match="elements"):
        ready(classifier(), 2).load(np.zeros(3, np.float32), np.zeros(0, np.float32))


def test_portable_kernels_serve_where_the_library_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library.load.cache_clear()
    monkeypatch.setattr(library, "_NAMES", ("no-such-library.so",))
    with pytest.warns(library.OneDnnUnavailableWarning, match="onednn-cpu-gomp"):
        plan = compile_plan(classifier(), batch=2)
    library.load.cache_clear()
    assert plan.is_portable

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from dhcore._ops import apply
from dhcore._ops.graph import Graph, Node, Slot
from dhcore._ops.interpreter import run
from dhcore.device import KINDS
from dhcore.errors import GraphError, ShapeError
from dhcore.random import generator
from dhcore.tensor import Tensor
from dhcore.testing import assert_close, numerical_gradient

_CONVOLUTION = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}


def _slots(**shapes: tuple[tuple[int, ...], str]) -> dict[str, Slot]:
    return {
        name.replace("_", "."): Slot(name.replace("_", "."), shape, role, 0)
        for name, (shape, role) in shapes.items()
    }  # type: ignore[arg-type]  # roles are literals below


GRAPH = Graph(
    nodes=(
        Node("input", (), (), (2, 4, 4), name="x"),
        Node("convolution", (0,), ("a.weight", "a.bias"), (3, 4, 4), _CONVOLUTION, "a"),
        Node(
            "batch_norm",
            (1,),
            ("n.scale", "n.shift", "n.mean", "n.variance"),
            (3, 4, 4),
            {"momentum": 0.1, "epsilon": 1e-3},
            "n",
        ),
        Node("tanh", (2,), (), (3, 4, 4), name="t"),
        Node("convolution", (3,), ("b.weight",), (3, 4, 4), _CONVOLUTION, "b"),
        Node("add", (4, 3), (), (3, 4, 4), name="sum"),
        Node("dropout", (5,), (), (3, 4, 4), {"rate": 0.3}, "d"),
        Node("reshape", (6,), (), (48,), {"shape": (48,)}, "flatten"),
        Node("linear", (7,), ("c.weight", "c.bias"), (5,), {}, "c"),
        Node("input", (), (), (5,), name="target"),
        Node("input", (), (), (), name="weight"),
        Node("softmax_cross_entropy", (8, 9, 10), (), (), {}, "loss"),
        Node("softmax", (8,), (), (5,), {"axis": 1}, "probabilities"),
    ),
    inputs={"x": 0, "target": 9, "weight": 10},
    outputs={"loss": 11, "probabilities": 12},
    slots=_slots(
        a_weight=((3, 2, 3, 3), "parameter"),
        a_bias=((3,), "parameter"),
        n_scale=((3,), "parameter"),
        n_shift=((3,), "parameter"),
        n_mean=((3,), "buffer"),
        n_variance=((3,), "buffer"),
        b_weight=((3, 3, 3, 3), "parameter"),
        c_weight=((5, 48), "parameter"),
        c_bias=((5,), "parameter"),
    ),
)


def draw(dtype: str) -> tuple[dict[str, Any], dict[str, Any]]:
    random = generator(0, "interpreter")
    inputs = {
        "x": random.standard_normal((6, 2, 4, 4)),
        "target": np.eye(5)[random.integers(5, size=6)],
        "weight": random.uniform(0.5, 2, 6),
    }
    slots = {name: random.standard_normal(slot.shape) / 3 for name, slot in GRAPH.slots.items()}
    slots["n.variance"] = random.uniform(0.5, 2, 3)
    return tuple(
        {name: array.astype(dtype) for name, array in part.items()} for part in (inputs, slots)
    )  # type: ignore[return-value]  # of two parts


def losses(slots: Mapping[str, Any], inputs: Mapping[str, Any]) -> float:
    return float(
        run(GRAPH, inputs, slots, training=True, seed=3, step=7, gradients=False).outputs["loss"]
    )


@pytest.mark.parametrize(
    "name", [name for name, slot in GRAPH.slots.items() if slot.role == "parameter"]
)
def test_the_gradient_of_a_graph_agrees_with_finite_differences(name: str) -> None:
    inputs, slots = draw("float64")
    found = run(GRAPH, inputs, slots, training=True, seed=3, step=7).gradients[name]
    expected = numerical_gradient(
        lambda value: losses({**slots, name: value}, inputs), [slots[name]], 0
    )
    assert_close(found, expected, 1e-7)


def test_a_graph_computes_what_the_same_operations_compute_eagerly() -> None:
    inputs, slots = draw("float64")
    result = run(GRAPH, inputs, slots, training=True, seed=3, step=7)
    t = {
        name: Tensor(array, device="reference", requires_grad=True) for name, array in slots.items()
    }
    mean, variance = t["n.mean"].detach(), t["n.variance"].detach()
    y: Tensor = apply(
        "convolution",
        Tensor(inputs["x"], device="reference"),
        t["a.weight"],
        t["a.bias"],
        padding=1,
    )
    y = apply(
        "tanh",
        apply(
            "batch_norm", y, t["n.scale"], t["n.shift"], mean, variance, epsilon=1e-3, training=True
        ),
    )
    y = apply(
        "dropout",
        apply("convolution", y, t["b.weight"], padding=1) + y,
        rate=0.3,
        training=True,
        key=(3, 6, 7),
    )
    y = apply("linear", y.reshape(6, -1), t["c.weight"], t["c.bias"])
    loss: Tensor = apply("softmax_cross_entropy", y, inputs["target"], inputs["weight"])
    loss.backward()
    assert_close(result.outputs["loss"], loss.numpy(), 1e-12)
    for name, gradient in result.gradients.items():
        assert_close(gradient, t[name].grad, 1e-12)
    assert_close(result.buffers["n.mean"], mean.numpy(), 1e-12)
    assert_close(result.buffers["n.variance"], variance.numpy(), 1e-12)


@pytest.mark.parametrize("device", [kind for kind in KINDS if kind != "reference"])
@pytest.mark.parametrize("training", [True, False])
def test_every_device_gives_a_graph_the_same_meaning(device: str, training: bool) -> None:
    exact = run(GRAPH, *draw("float64"), training=training, seed=3, step=7)
    found = run(GRAPH, *draw("float32"), device, training=training, seed=3, step=7)
    largest = max(float(np.abs(array).max()) for array in exact.gradients.values())
    for part in ("outputs", "buffers", "gradients"):
        for name, expected in getattr(exact, part).items():
            actual = getattr(found, part)[name]
            assert actual.dtype == np.float32
            if np.abs(expected).max() < 1e-12:
                # A bias before batch normalisation: terms as large as other gradients cancel.
                assert np.abs(actual).max() <= 2e-5 * largest
            else:
                assert_close(actual, expected, 2e-5)


def test_a_sample_of_weight_zero_changes_nothing_without_batch_statistics() -> None:
    inputs, slots = draw("float64")
    inputs["weight"][-1] = 0
    inputs["weight"][-2] = 0
    whole = run(GRAPH, inputs, slots, seed=3)
    part = run(GRAPH, {name: array[:4] for name, array in inputs.items()}, slots, seed=3)
    for name, expected in part.gradients.items():
        assert_close(whole.gradients[name], expected, 1e-12)


def test_buffers_stay_as_they_are_outside_training() -> None:
    inputs, slots = draw("float64")
    result = run(GRAPH, inputs, slots)
    for name in ("n.mean", "n.variance"):
        np.testing.assert_array_equal(result.buffers[name], slots[name])


def test_inputs_that_no_output_needs_may_be_missing() -> None:
    inputs, slots = draw("float64")
    model = dataclasses.replace(GRAPH, outputs={"probabilities": 12})
    result = run(model, {"x": inputs["x"]}, slots)
    np.testing.assert_allclose(result.outputs["probabilities"].sum(axis=1), 1)
    assert result.gradients == {}


def test_a_missing_input_is_named() -> None:
    inputs, slots = draw("float64")
    del inputs["target"]
    with pytest.raises(GraphError, match="'target'"):
        run(GRAPH, inputs, slots)


def test_a_missing_slot_is_named() -> None:
    inputs, slots = draw("float64")
    del slots["c.bias"]
    with pytest.raises(GraphError, match=r"c\.bias"):
        run(GRAPH, inputs, slots)


def test_an_input_of_the_wrong_shape_is_named() -> None:
    inputs, slots = draw("float64")
    inputs["x"] = inputs["x"][:, :1]
    with pytest.raises(ShapeError, match=r"input 'x'.*\(N, 2, 4, 4\).*\(6, 1, 4, 4\)"):
        run(GRAPH, inputs, slots)


def test_a_layer_whose_shapes_do_not_fit_is_named() -> None:
    inputs, slots = draw("float64")
    inputs["target"] = inputs["target"]
    wrong = dataclasses.replace(GRAPH.nodes[1], attributes={**_CONVOLUTION, "groups": 2})
    graph = dataclasses.replace(GRAPH, nodes=(GRAPH.nodes[0], wrong, *GRAPH.nodes[2:]))
    with pytest.raises(ShapeError, match=r"a \(convolution\)"):
        run(graph, inputs, slots)

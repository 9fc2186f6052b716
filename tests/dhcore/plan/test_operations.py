from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dhcore._ops.graph import Graph
from dhcore._plan import compile_plan
from tests.dhcore.plan import graphs
from tests.dhcore.plan.graphs import Sketch
from tests.dhcore.plan.oracle import truth, view, worst

TOLERANCE = 1e-5
Draw = Callable[[Sketch, int], int]

#: What is applied to an image of a given shape, between two layers that have parameters.
OPERATIONS: dict[str, tuple[tuple[int, ...], Draw]] = {
    "convolution": ((16, 9, 7), lambda s, x: s.convolution(x, 32)),
    "convolution by winograd": ((32, 24, 24), lambda s, x: s.convolution(x, 48)),
    "convolution of odd channels": ((5, 9, 7), lambda s, x: s.convolution(x, 7)),
    "convolution without bias": ((5, 9, 7), lambda s, x: s.convolution(x, 7, bias=False)),
    "convolution, relu": ((5, 9, 7), lambda s, x: s.relu(s.convolution(x, 7))),
    "convolution by winograd, relu": ((32, 24, 24), lambda s, x: s.relu(s.convolution(x, 32))),
    "convolution of stride 2": ((17, 9, 8), lambda s, x: s.convolution(x, 9, 3, stride=2)),
    "convolution of one pixel": ((17, 9, 8), lambda s, x: s.convolution(x, 33, 1, padding=0)),
    "convolution 2x2 padded on one side": (
        (8, 6, 6),
        lambda s, x: s.convolution(x, 8, 2, padding=((0, 1), (0, 1))),
    ),
    "dilated convolution": (
        (8, 12, 12),
        lambda s, x: s.convolution(x, 8, 3, dilation=2, padding=2),
    ),
    "depthwise convolution": ((20, 8, 8), lambda s, x: s.convolution(x, 20, 3, groups=20)),
    "depthwise convolution 5x5": ((20, 8, 8), lambda s, x: s.convolution(x, 20, 5, groups=20)),
    "grouped convolution": ((8, 8, 8), lambda s, x: s.convolution(x, 12, 3, groups=4)),
    "convolution of a line": ((8, 20), lambda s, x: s.convolution(x, 6, 3)),
    "convolution of a volume": ((4, 6, 7, 5), lambda s, x: s.convolution(x, 6, 3)),
    "transposed convolution": ((20, 5, 4), lambda s, x: s.transposed(x, 9, 2, stride=2)),
    "transposed convolution without bias": (
        (20, 5, 4),
        lambda s, x: s.transposed(x, 9, 2, stride=2, bias=False),
    ),
    "transposed convolution that overlaps": (
        (8, 5, 4),
        lambda s, x: s.transposed(x, 9, 3, stride=2, padding=1, output_padding=1),
    ),
    "transposed convolution 4x4": (
        (8, 5, 4),
        lambda s, x: s.transposed(x, 9, 4, stride=2, padding=1),
    ),
    "transposed convolution of a volume": (
        (8, 3, 4, 2),
        lambda s, x: s.transposed(x, 9, 2, stride=2),
    ),
    "transposed convolution of a line": ((8, 11), lambda s, x: s.transposed(x, 9, 2, stride=2)),
    "batch_norm": ((20, 6, 5), lambda s, x: s.batch_norm(x)),
    "batch_norm, relu": ((20, 6, 5), lambda s, x: s.relu(s.batch_norm(x))),
    "batch_norm of vectors": ((12,), lambda s, x: s.batch_norm(x)),
    "convolution used twice": (
        (6, 5, 5),
        lambda s, x: s.convolution(s.convolution(x, 6, name="c"), 6, name="c"),
    ),
    "max_pool": ((20, 9, 8), lambda s, x: s.apply("max_pool", x, kernel=3, stride=2, padding=1)),
    "max_pool with a remainder": (
        (4, 9, 7),
        lambda s, x: s.apply("max_pool", x, kernel=2, stride=2, padding=0),
    ),
    "average_pool": (
        (20, 8, 8),
        lambda s, x: s.apply("average_pool", x, kernel=2, stride=2, padding=0),
    ),
    "average_pool with padding": (
        (4, 8, 8),
        lambda s, x: s.apply(
            "average_pool", x, kernel=3, stride=2, padding=1, count_include_pad=True
        ),
    ),
    "average_pool without padding": (
        (4, 8, 8),
        lambda s, x: s.apply(
            "average_pool", x, kernel=3, stride=2, padding=1, count_include_pad=False
        ),
    ),
    "global_average_pool": ((20, 8, 8), lambda s, x: s.apply("global_average_pool", x)),
    "linear": ((33,), lambda s, x: s.linear(x, 21)),
    "linear without bias": ((33,), lambda s, x: s.linear(x, 21, bias=False)),
    "linear, relu": ((33,), lambda s, x: s.relu(s.linear(x, 21))),
    "flatten, linear": ((5, 3, 4), lambda s, x: s.linear(s.flatten(x), 6)),
    "flatten of one pixel": ((32, 1, 1), lambda s, x: s.linear(s.flatten(x), 6)),
    "add": ((20, 4, 4), lambda s, x: s.apply("add", x, s.convolution(x, 20))),
    "add, relu": ((20, 4, 4), lambda s, x: s.relu(s.apply("add", x, s.convolution(x, 20)))),
    "add to itself": ((20, 4, 4), lambda s, x: s.apply("add", x, x)),
    "concatenate blocks": (
        (16, 4, 4),
        lambda s, x: s.apply("concatenate", x, s.convolution(x, 32), axis=1),
    ),
    "concatenate odd channels": (
        (5, 4, 4),
        lambda s, x: s.apply("concatenate", x, s.convolution(x, 7), axis=1),
    ),
    "concatenate rows": ((5, 4, 4), lambda s, x: s.apply("concatenate", x, x, axis=2)),
    "upsample nearest": (
        (20, 4, 3),
        lambda s, x: s.apply("upsample", x, factor=(2, 3), mode="nearest"),
    ),
    "upsample linear": (
        (20, 4, 3),
        lambda s, x: s.apply("upsample", x, factor=(2, 2), mode="linear"),
    ),
    "upsample a volume": (
        (4, 3, 2, 2),
        lambda s, x: s.apply("upsample", x, factor=(2, 2, 2), mode="nearest"),
    ),
    "upsample a line": ((4, 6), lambda s, x: s.apply("upsample", x, factor=(3,), mode="nearest")),
    "dropout": ((20, 4, 4), lambda s, x: s.apply("dropout", x, rate=0.3)),
    "softmax": ((5, 4, 4), lambda s, x: s.apply("softmax", x, axis=1)),
    "softmax of vectors": ((10,), lambda s, x: s.apply("softmax", x, axis=1)),
    "log_softmax": ((5, 4, 4), lambda s, x: s.apply("log_softmax", x, axis=1)),
    "multiply": ((5, 4, 4), lambda s, x: s.apply("multiply", x, s.convolution(x, 5))),
    "transpose": ((5, 4, 3), lambda s, x: s.apply("transpose", x, axes=(0, 2, 3, 1))),
    **{
        name: ((20, 4, 4), lambda s, x, name=name: s.apply(name, x))
        for name in (
            "relu",
            "sigmoid",
            "tanh",
            "softplus",
            "silu",
            "gelu",
            "exp",
            "abs",
            "leaky_relu",
            "elu",
        )
    },
}


def between_layers(shape: tuple[int, ...], operation: Draw) -> Graph:
    """A layer before, so that a gradient flows through, and one after, which sees every channel."""
    s = Sketch()
    x = s.input("x", shape)
    # Without bias: that of a layer before a normalisation has a gradient of 0, which no relative error can measure.
    layer = s.linear if len(shape) == 1 else s.pointwise
    s.loss("mean_squared_error", operation(s, layer(x, shape[0], bias=False)))
    return s.graph()


@pytest.mark.parametrize("portable", [False, True], ids=["onednn", "portable"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_the_values_and_gradients_of_the_interpreter(
    name: str, portable: bool
) -> None:
    shape, operation = OPERATIONS[name]
    graph = between_layers(shape, operation)
    state, inputs = graphs.state(graph), graphs.batch(graph, 3, classes=False)
    plan = compile_plan(graph, batch=3, threads=2, portable=portable)
    plan.load(*state)
    found, expected = plan.gradients(inputs, seed=3, step=5), truth(graph, state, inputs, step=5)
    for output, values in expected.outputs.items():
        assert worst(found.outputs[output], values) < TOLERANCE
    for slot, gradient in expected.gradients.items():
        assert worst(view(graph, slot, found.flat), gradient) < TOLERANCE, slot
    buffers = plan.buffers()
    for slot, values in expected.buffers.items():
        assert worst(view(graph, slot, buffers), values) < TOLERANCE, slot


@pytest.mark.parametrize("portable", [False, True], ids=["onednn", "portable"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_the_values_of_the_interpreter_outside_training(
    name: str, portable: bool
) -> None:
    shape, operation = OPERATIONS[name]
    graph = between_layers(shape, operation)
    state, inputs = graphs.state(graph), graphs.batch(graph, 3, classes=False)
    plan = compile_plan(graph, batch=3, threads=2, training=False, portable=portable)
    plan.load(*state)
    expected = truth(graph, state, inputs, training=False).outputs
    found = plan.forward(inputs)
    assert found.keys() == expected.keys()
    for output, values in expected.items():
        assert worst(found[output], values) < TOLERANCE


LOSSES = {
    "softmax_cross_entropy": ((4, 5, 3), {}),
    "softmax_cross_entropy of vectors": ((7,), {}),
    "softmax_cross_entropy of many channels": ((19, 5, 3), {}),
    "binary_cross_entropy": ((1, 9, 5), {}),
    "binary_cross_entropy of vectors": ((3,), {}),
    "mean_squared_error": ((17, 4, 4), {}),
    "dice_loss": ((3, 5, 4), {"smooth": 0.5}),
}


@pytest.mark.parametrize("portable", [False, True], ids=["onednn", "portable"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_has_the_value_and_gradient_of_the_interpreter(name: str, portable: bool) -> None:
    shape, attributes = LOSSES[name]
    s = Sketch()
    x = s.input("x", shape)
    x = s.linear(x, shape[0]) if len(shape) == 1 else s.convolution(x, shape[0], 1, padding=0)
    if name == "dice_loss":
        x = s.apply("sigmoid", x)
    s.loss(name.split(maxsplit=1)[0], x, **attributes)
    graph = s.graph()
    state, inputs = graphs.state(graph), graphs.batch(graph, 5, classes=shape[0] > 1)
    plan = compile_plan(graph, batch=5, threads=2, portable=portable)
    plan.load(*state)
    found, expected = plan.gradients(inputs, seed=3), truth(graph, state, inputs)
    assert worst(found.outputs["loss"], expected.outputs["loss"]) < TOLERANCE
    for slot, gradient in expected.gradients.items():
        assert worst(view(graph, slot, found.flat), gradient) < TOLERANCE, slot


def test_a_normalisation_used_twice_moves_its_statistics_twice() -> None:
    graph = between_layers(
        (4, 5, 5), lambda s, x: s.batch_norm(s.apply("exp", s.batch_norm(x, name="n")), name="n")
    )
    state, inputs = graphs.state(graph), graphs.batch(graph, 3, classes=False)
    plan = compile_plan(graph, batch=3, threads=2)
    plan.load(*state)
    plan.gradients(inputs)
    x = np.einsum(
        "oc,nchw->nohw", view(graph, "convolution1.weight", state[0])[:, :, 0, 0], inputs["x"]
    )
    scale, shift = (
        view(graph, f"n.{name}", state[0])[:, None, None] for name in ("scale", "shift")
    )
    axes, running = (0, 2, 3), view(graph, "n.mean", state[1])
    first = x.mean(axis=axes, keepdims=True)
    y = np.exp((x - first) / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5) * scale + shift)
    expected = 0.9 * (0.9 * running + 0.1 * first.reshape(-1)) + 0.1 * y.mean(axis=axes)
    np.testing.assert_allclose(view(graph, "n.mean", plan.buffers()), expected, rtol=1e-4)


def test_a_sum_of_losses_has_the_gradient_of_the_interpreter() -> None:
    s = Sketch()
    x = s.convolution(s.input("x", (4, 6, 6)), 3)
    target, weight = s.input("target", (3, 6, 6)), s.input("weight", ())
    first = s.apply("softmax_cross_entropy", x, target, weight)
    second = s.apply("dice_loss", s.apply("softmax", x, axis=1), target, weight)
    s.outputs = {"prediction": x, "loss": s.apply("add", first, second)}
    graph = s.graph()
    state, inputs = graphs.state(graph), graphs.batch(graph, 2)
    plan = compile_plan(graph, batch=2, threads=2)
    plan.load(*state)
    found, expected = plan.gradients(inputs, seed=3), truth(graph, state, inputs)
    for slot, gradient in expected.gradients.items():
        assert worst(view(graph, slot, found.flat), gradient) < TOLERANCE


def test_a_value_that_is_not_a_number_reaches_the_loss() -> None:
    graph = between_layers((4, 3, 3), lambda s, x: s.relu(s.apply("add", x, x)))
    plan = compile_plan(graph, batch=1, threads=1)
    plan.load(*graphs.state(graph))
    inputs = graphs.batch(graph, 1, classes=False)
    inputs["x"][0, 0, 0, 0] = np.nan
    assert np.isnan(plan.forward(inputs)["loss"])

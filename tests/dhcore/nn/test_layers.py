"""Layers: shapes, gradients against finite differences in double precision, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dhcore import nn
from dhcore._ops import interpreter
from dhcore._ops.graph import Graph
from dhcore.errors import OperationError, ShapeError
from dhcore.losses import MeanSquaredError
from dhcore.nn._objective import training_graph
from tests.dhcore.nn.layer_cases import CASES, LayerCase

BATCH = 3
each_layer = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def exact_loss(case: LayerCase) -> tuple[Graph, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A training graph around a layer, with inputs and slots in double precision."""
    draw = np.random.default_rng(7)
    model = case.model(learned_before=True)
    output = next(iter(model.graph.outputs))
    graph = training_graph(model.graph, {output: MeanSquaredError()})
    inputs = {
        name: draw.standard_normal((BATCH, *graph.nodes[index].shape))
        for name, index in graph.inputs.items()
    }
    inputs["weight"] = np.array([1.0, 0.5, 2.0])
    slots = {name: array.astype(np.float64) for name, array in model.weights().items()}
    slots = {
        name: array + 0.1 * draw.standard_normal(array.shape) ** 2 for name, array in slots.items()
    }
    return graph, inputs, slots


@each_layer
def test_a_layer_gives_the_shape_it_announces(case: LayerCase) -> None:
    symbols = [nn.Input(shape) for shape in case.inputs]
    assert case.layer()(*symbols).shape == case.output
    model = case.model()
    arrays = [np.zeros((2, *shape), np.float32) for shape in case.inputs]
    assert model.forward(arrays if len(arrays) > 1 else arrays[0]).shape == (2, *case.output)


@each_layer
def test_the_gradient_of_a_layer_is_the_slope_of_its_loss(case: LayerCase) -> None:
    graph, inputs, slots = exact_loss(case)
    parameters = [name for name, slot in graph.slots.items() if slot.role == "parameter"]
    draw = np.random.default_rng(3)

    def loss(moved: dict[str, np.ndarray]) -> float:
        run = interpreter.run(
            graph, inputs, {**slots, **moved}, training=True, seed=5, gradients=False
        )
        return float(run.outputs["loss"])

    gradients = interpreter.run(graph, inputs, slots, training=True, seed=5).gradients
    step = 1e-6
    # One direction per array, so that a wrong array is named.
    for name in parameters:
        direction = draw.standard_normal(slots[name].shape)
        rise = loss({name: slots[name] + step * direction})
        fall = loss({name: slots[name] - step * direction})
        slope = float((gradients[name] * direction).sum())
        assert slope == pytest.approx((rise - fall) / (2 * step), rel=2e-6, abs=1e-9), name


@each_layer
def test_a_layer_is_the_same_on_every_call(case: LayerCase) -> None:
    draw = np.random.default_rng(1)
    arrays = [draw.standard_normal((2, *shape)).astype(np.float32) for shape in case.inputs]
    data = arrays if len(arrays) > 1 else arrays[0]
    first, second = case.model(), case.model()
    assert np.array_equal(first.forward(data, training=True), second.forward(data, training=True))


def test_same_padding_gives_the_size_divided_by_the_stride() -> None:
    for size in range(1, 12):
        for kernel in range(1, 6):
            for stride in range(1, 4):
                x = nn.Input((1, size))
                found = nn.Conv1d(1, kernel, stride=stride)(x).shape[1]
                assert found == -(-size // stride)


def test_a_transposed_convolution_multiplies_the_size_by_the_stride() -> None:
    for size in range(1, 6):
        for kernel in range(1, 6):
            for stride in range(1, 4):
                x = nn.Input((1, size, size))
                found = nn.ConvTranspose2d(1, kernel, stride=stride)(x).shape
                assert found == (1, size * stride, size * stride)


def test_dropout_keeps_the_mean_and_does_nothing_in_use() -> None:
    x = nn.Input((1000,))
    model = nn.Model(x, nn.Dropout(0.25)(x))
    ones = np.ones((20, 1000), np.float32)
    dropped = model.forward(ones, training=True)
    assert set(np.unique(dropped)) == {np.float32(0), np.float32(1 / 0.75)}
    assert dropped.mean() == pytest.approx(1, abs=0.02)
    assert np.array_equal(model.predict(ones), ones)


def test_batch_norm_normalises_the_batch_and_moves_its_figures() -> None:
    x = nn.Input((2, 5))
    model = nn.Model(x, nn.BatchNorm(momentum=0.3, name="norm")(x))
    data = np.random.default_rng(0).normal(3, 2, (4, 2, 5)).astype(np.float32)
    out = model.forward(data, training=True)
    np.testing.assert_allclose(out.mean(axis=(0, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(out.var(axis=(0, 2)), 1, atol=1e-3)
    weights = model.weights()
    np.testing.assert_allclose(weights["norm.mean"], 0.3 * data.mean(axis=(0, 2)), rtol=1e-5)
    unbiased = data.astype(np.float64).var(axis=(0, 2), ddof=1)
    np.testing.assert_allclose(weights["norm.variance"], 0.7 + 0.3 * unbiased, rtol=1e-5)


IMAGE = (3, 8, 8)


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (
            lambda: nn.Linear(5, name="head")(nn.Input(IMAGE)),
            r"head \(linear\): expected \(inputs,\), found \(3, 8, 8\)",
        ),
        (
            lambda: nn.Conv2d(5, 3, name="stem")(nn.Input((8, 8))),
            r"stem \(convolution\): .*\(channels, height, width\), found \(8, 8\)",
        ),
        (lambda: nn.Conv2d(5, 9, padding="valid", name="stem")(nn.Input(IMAGE)), "stem"),
        (lambda: nn.Add(name="join")(nn.Input(IMAGE), nn.Input((4, 8, 8))), "join"),
        (lambda: nn.Add(name="join")(nn.Input(IMAGE), nn.Input((8,))), r"join \(add\): .*as many axes"),
        (lambda: nn.Concatenate(name="join")(nn.Input(IMAGE), nn.Input((3, 4, 4))), "join"),
        (lambda: nn.MaxPool(2, name="pool")(nn.Input((8,))), r"pool \(max_pool\): expected \(channels, \*spatial\)"),
        (lambda: nn.Reshape((5, -1), name="turn")(nn.Input(IMAGE)), r"turn \(reshape\): expected 192 elements"),
        (lambda: nn.Input((3, 0)), r"positive integers, found \(3, 0\)"),
        (lambda: nn.Input(3), "positive integers, found 3"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_a_wrong_shape_names_the_layer_and_both_shapes(
    apply: Callable[[], object], message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        apply()


@pytest.mark.parametrize(
    ("apply", "message"),
    [
        (lambda: nn.Conv2d(4, (3, 3, 3))(nn.Input(IMAGE)), r"kernel: .* or 2 of them, found \(3, 3, 3\)"),
        (lambda: nn.Conv2d(4, 3, padding="full")(nn.Input(IMAGE)), "'same', 'valid' or numbers, found 'full'"),  # type: ignore[arg-type]
        (lambda: nn.Conv2d(4, 3, padding=((1, -1), (0, 0)))(nn.Input(IMAGE)), "none negative"),
        (lambda: nn.Conv2d(4, 3, groups=2)(nn.Input(IMAGE)), "groups that divide 3 channels and 4 filters, found 2"),
        (lambda: nn.Dropout(1.0), r"lies in \[0, 1\), found 1.0"),
        (lambda: nn.Upsample(2, mode="cubic"), "'nearest' or 'linear', found 'cubic'"),  # type: ignore[arg-type]
        (lambda: nn.Softmax(0)(nn.Input(IMAGE)), "axis 0 is the batch"),
        (lambda: nn.Add()(nn.Input(IMAGE)), "expected 2 input"),
        (lambda: nn.ReLU()(np.zeros(3)), "called with what other layers gave, got ndarray"),  # type: ignore[arg-type]
        (lambda: nn.BatchNorm(momentum=0.0), "0 < momentum"),
        (lambda: nn.Conv2d(4, 0, name="stem")(nn.Input(IMAGE)), "stem: kernel: expected an integer of at least 1"),
        (lambda: nn.Conv2d(4, 2.5)(nn.Input(IMAGE)), "kernel: expected an integer of at least 1"),  # type: ignore[arg-type]
        (lambda: nn.Conv2d(4, 3, padding=1.5)(nn.Input(IMAGE)), "padding: expected an integer"),  # type: ignore[arg-type]
        (lambda: nn.Conv2d(4.0, 3)(nn.Input(IMAGE)), "filters: expected an integer"),  # type: ignore[arg-type]
        (lambda: nn.Linear(0, name="head")(nn.Input((3,))), "head: units: expected an integer of at least 1, found 0"),
    ],
)  # fmt: skip
def test_an_impossible_figure_is_refused(apply: Callable[[], object], message: str) -> None:
    with pytest.raises(OperationError, match=message):
        apply()


def test_integers_of_numpy_are_integers() -> None:
    three, sizes = np.int64(3), np.array([3, 8, 8])
    convolution = nn.Conv2d(three, three, stride=np.int64(2), padding=np.int64(1))
    symbol = convolution(nn.Input(tuple(sizes)))
    assert repr(symbol) == "<convolution (3, 4, 4)>"
    assert symbol.application == nn.Conv2d(3, 3, stride=2, padding=1)(nn.Input(IMAGE)).application
    assert repr(nn.Linear(three)(nn.Input((three,)))) == "<linear (3,)>"


@pytest.mark.parametrize(
    ("initialiser", "deviation"),
    [
        (nn.HeNormal(), (2 / 100) ** 0.5),
        (nn.HeUniform(), (2 / 100) ** 0.5),
        (nn.GlorotNormal(), (2 / 400) ** 0.5),
        (nn.GlorotUniform(), (2 / 400) ** 0.5),
        (nn.Normal(0.3), 0.3),
        (nn.Uniform(-0.6, 0.6), 0.6 / 3**0.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_initialisers_have_their_deviation(initialiser: nn.Initialiser, deviation: float) -> None:
    values = initialiser.draw((300, 400), nn.Fans(100, 300), np.random.default_rng(0))
    assert values.dtype == np.float32
    assert values.std() == pytest.approx(deviation, rel=0.01)
    assert abs(values.mean()) < 0.01 * deviation * 3

"""Models: how they are named, drawn, trained, stored and used."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from dhcore import losses, metrics, nn, optim
from dhcore.errors import GraphError, OperationError, ShapeError, StateError
from dhcore.losses import Loss


def small(**options: object) -> nn.Model:
    """An image classifier with batch norm and dropout."""
    x = nn.Input((1, 6, 6), name="image")
    y = nn.ReLU()(nn.BatchNorm()(nn.Conv2d(4, 3)(x)))
    y = nn.Dropout(0.2)(nn.Flatten()(nn.MaxPool(2)(y)))
    return nn.Model(x, nn.Linear(3, name="head")(y), **options)  # type: ignore[arg-type]


def blobs(samples: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes that are told apart by where the image is bright."""
    draw = np.random.default_rng(seed)
    classes = draw.integers(0, 3, samples)
    images = draw.normal(0, 0.3, (samples, 1, 6, 6)).astype(np.float32)
    for image, label in zip(images, classes, strict=True):
        image[0, 2 * label : 2 * label + 2] += 1
    return images, classes


def trained(epochs: int = 2, *, seed: int = 4) -> nn.Model:
    model = small()
    model.compile(optim.Adam(0.01), "softmax_cross_entropy", ["accuracy"], seed=seed)
    model.fit(*blobs(), batch_size=16, epochs=epochs, progress=False)
    return model


# --- names and structure


def test_names_depend_on_the_model_alone() -> None:
    assert list(small().graph.slots) == list(small().graph.slots)
    assert list(small().graph.slots) == [
        "convolution1.weight", "convolution1.bias",
        "batch_norm1.scale", "batch_norm1.shift", "batch_norm1.mean", "batch_norm1.variance",
        "head.weight", "head.bias",
    ]  # fmt: skip


def test_slots_of_a_role_lie_one_behind_the_other() -> None:
    graph = small().graph
    for role in ("parameter", "buffer"):
        stops = 0
        for slot in graph.slots.values():
            if slot.role == role:
                assert slot.offset == stops
                stops += slot.size
        assert stops == graph.flat_size(role)  # type: ignore[arg-type]


def test_weight_decay_skips_biases_and_normalisation() -> None:
    decaying = [
        name
        for name, slot in small().graph.slots.items()
        if slot.decay and slot.role == "parameter"
    ]
    assert decaying == ["convolution1.weight", "head.weight"]


def test_a_given_name_is_not_given_again() -> None:
    x = nn.Input((2,))
    first = nn.ReLU(name="relu2")(nn.ReLU()(x))
    model = nn.Model(x, nn.ReLU()(first))
    assert [node.name for node in model.graph.nodes] == ["input", "relu1", "relu2", "relu3"]


def test_a_layer_called_twice_shares_its_parameters_and_adds_up_their_gradients() -> None:
    x, y = nn.Input((3,), name="x"), nn.Input((3,), name="y")
    twin = nn.Linear(3, bias=False, name="twin")
    model = nn.Model([x, y], nn.Add()(twin(x), twin(y)), device="reference")
    assert list(model.graph.slots) == ["twin.weight"]
    model.compile("sgd", "mean_squared_error")
    a, b = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[::-1].copy()
    target = np.zeros((3, 3), np.float32)
    weight = model.weights()["twin.weight"].astype(np.float64)
    slope = 2 / 9 * ((a + b) @ weight.T).T @ (a + b)
    np.testing.assert_allclose(
        model.gradients([a, b], target).values.reshape(3, 3), slope, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("kind", ["reference", "cpu"])
def test_shared_layers_mean_the_same_everywhere(kind: str) -> None:
    x = nn.Input((2, 4, 4))
    twin = nn.Conv2d(2, 3)
    model = nn.Model(x, twin(nn.ReLU()(twin(x))), device=kind)
    model.compile("sgd", "mean_squared_error", seed=1)
    data = np.random.default_rng(0).standard_normal((3, 2, 4, 4)).astype(np.float32)
    reference = nn.Model(x, twin(nn.ReLU()(twin(x))), device="reference")
    reference.compile("sgd", "mean_squared_error", seed=1)
    expected, found = reference.gradients(data, data), model.gradients(data, data)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda a, b: nn.Model(a, nn.Add()(a, b)), "depend on <b"),
        (lambda a, b: nn.Model([a, b], nn.ReLU()(a)), "no output depends on the input <b"),
        (lambda a, _: nn.Model(a, [nn.ReLU(name="r")(a), nn.Tanh(name="r")(a)]), "two layers are called 'r'"),
        (lambda a, _: nn.Model(nn.ReLU()(a), nn.ReLU()(a)), "inputs are made by Input"),
        (lambda a, _: nn.Model(a, [(y := nn.ReLU()(a)), y]), "two outputs are called 'relu1'"),
    ],
)  # fmt: skip
def test_a_graph_that_contradicts_itself_is_refused(
    build: Callable[[nn.Symbol, nn.Symbol], nn.Model], message: str
) -> None:
    with pytest.raises(GraphError, match=message):
        build(nn.Input((2,), name="a"), nn.Input((2,), name="b"))


def test_a_layer_that_would_need_two_shapes_is_refused() -> None:
    x = nn.Input((4,))
    twin = nn.Linear(3, name="twin")
    with pytest.raises(GraphError, match=r"twin.weight.*\(3, 4\) and \(3, 3\); make two layers"):
        nn.Model(x, twin(twin(x)))


def test_the_summary_counts_every_parameter_once() -> None:
    model = small(name="classifier")
    model.freeze("head*")
    text = model.summary()
    assert text.startswith("classifier\n")
    assert f"{model.parameter_count:,} parameters, {3 * 36 + 3} of them frozen" in text
    assert "max_pool kernel 2 stride 2" in text


# --- parameters


def test_the_same_seed_gives_the_same_weights_whatever_stands_around() -> None:
    x = nn.Input((1, 6, 6))
    conv = nn.Conv2d(4, 3, name="convolution1")
    alone = nn.Model(x, conv(x), seed=9)
    within = small(seed=9)
    assert np.array_equal(
        alone.weights()["convolution1.weight"], within.weights()["convolution1.weight"]
    )
    assert not np.array_equal(within.state.parameters, small(seed=10).state.parameters)


def test_a_state_goes_on_where_it_was_taken() -> None:
    images, classes = blobs()
    model = trained()
    state = model.state
    other = small()
    other.compile(optim.Adam(0.01), "softmax_cross_entropy", seed=4)
    other.load_state(state)
    assert other.state.equals(state)
    for one in (model, other):
        one.fit(images, classes, batch_size=16, epochs=2, progress=False)
    assert model.state.equals(other.state)
    assert not model.state.equals(state)


def test_a_state_is_a_copy() -> None:
    model = trained()
    state = model.state
    before = state.parameters.copy()
    model.train_batch(*blobs())
    assert np.array_equal(state.parameters, before)
    state.parameters[:] = 0
    assert model.state.parameters.any()


def test_the_state_of_another_model_is_refused() -> None:
    model = trained()
    state = model.state
    with pytest.raises(StateError, match=r"expected \d+ parameters, found 3"):
        model.load_state(nn.State(np.zeros(3, np.float32), state.buffers))
    other = small()
    other.compile(optim.SGD(0.1, momentum=0.9), "softmax_cross_entropy")
    with pytest.raises(StateError, match=r"\['velocity'\], found \['mean', 'square'\]"):
        other.load_state(state)
    other.load_state(nn.State(state.parameters, state.buffers))
    assert other.step == 0


def test_weights_are_read_and_written_by_name() -> None:
    model = trained()
    model.load_weights({"head.bias": np.array([1, 2, 3])})
    assert model.weights()["head.bias"].tolist() == [1, 2, 3]
    with pytest.raises(StateError, match=r"no array 'tail\.bias'"):
        model.load_weights({"tail.bias": np.zeros(3)})
    with pytest.raises(StateError, match=r"head.bias: expected \(3,\), found \(4,\)"):
        model.load_weights({"head.bias": np.zeros(4)})


def test_writing_weights_reaches_what_has_been_compiled() -> None:
    model, images = trained(), blobs()[0]
    before = model.predict(images)
    weights = model.weights()
    model.load_weights({"head.bias": weights["head.bias"] + 1})
    np.testing.assert_allclose(model.predict(images), before + 1, rtol=1e-4, atol=1e-5)


def test_a_frozen_parameter_stays_and_learns_again() -> None:
    model = trained()
    model.freeze("convolution*", "*.scale")
    before = model.weights()
    model.fit(*blobs(), batch_size=16, epochs=1, progress=False)
    after = model.weights()
    still = {name for name in before if np.array_equal(before[name], after[name])}
    assert still == {"convolution1.weight", "convolution1.bias", "batch_norm1.scale"}
    model.freeze("*", trainable=True)
    model.fit(*blobs(), batch_size=16, epochs=1, progress=False)
    assert not np.array_equal(after["convolution1.weight"], model.weights()["convolution1.weight"])
    with pytest.raises(OperationError, match=r"no parameter of model fits 'tail\*'"):
        model.freeze("tail*")


def test_a_model_survives_pickling() -> None:
    model = trained()
    copy = pickle.loads(pickle.dumps(model))
    assert copy.state.equals(model.state)
    for one in (model, copy):
        one.train_batch(*blobs())
    assert copy.state.equals(model.state)


# --- training


def test_a_model_learns_what_can_be_learned() -> None:
    model = trained(epochs=12)
    images, classes = blobs(seed=1)
    assert model.evaluate(images, classes)["accuracy"] > 0.9


def test_two_runs_give_the_same_bits() -> None:
    assert trained().state.equals(trained().state)
    assert not trained().state.equals(trained(seed=5).state)


@pytest.mark.parametrize("kind", ["reference", "cpu"])
def test_the_gradient_of_a_union_is_the_weighted_mean_of_its_parts(kind: str) -> None:
    x = nn.Input((1, 6, 6))
    model = nn.Model(x, nn.Linear(3)(nn.Flatten()(nn.Conv2d(2, 3)(x))), device=kind)
    model.compile("sgd", "softmax_cross_entropy", ["accuracy"])
    images, classes = blobs(11)
    weight = np.linspace(0.5, 2, 11).astype(np.float32)
    union = model.gradients(images, classes, weight)
    parts = [model.gradients(images[i], classes[i], weight[i]) for i in (slice(0, 4), slice(4, 11))]
    samples = sum(part.samples for part in parts)
    merged = sum(part.values * part.samples for part in parts) / samples  # type: ignore[union-attr]
    assert samples == pytest.approx(union.samples)
    np.testing.assert_allclose(merged, union.values, rtol=1e-4, atol=1e-6)
    together = parts[0].measurement.merged(parts[1].measurement)
    assert model.figures(together) == pytest.approx(model.figures(union.measurement))


def test_padding_with_weight_zero_changes_nothing() -> None:
    x = nn.Input((1, 6, 6))
    model = nn.Model(x, nn.Linear(3)(nn.Flatten()(x)))
    model.compile("sgd", "softmax_cross_entropy")
    images, classes = blobs(6)
    padded = model.gradients(
        np.concatenate([images, images[:2]]), np.concatenate([classes, classes[:2]]),
        np.array([1, 1, 1, 1, 1, 1, 0, 0]),
    )  # fmt: skip
    plain = model.gradients(images, classes)
    np.testing.assert_allclose(padded.values, plain.values, rtol=1e-5, atol=1e-7)
    assert padded.loss == pytest.approx(plain.loss, rel=1e-6)


@pytest.mark.parametrize("kind", ["reference", "cpu"])
def test_a_batch_in_which_nothing_counts_has_no_loss_and_no_gradient(kind: str) -> None:
    x = nn.Input((1, 6, 6))
    model = nn.Model(x, nn.Linear(3)(nn.Flatten()(x)), device=kind)
    model.compile("sgd", "softmax_cross_entropy", ["accuracy"])
    found = model.gradients(*blobs(4), np.zeros(4))
    assert (found.loss, found.samples, found.values.any()) == (0.0, 0.0, False)
    assert math.isnan(model.figures(found.measurement)["accuracy"])


def test_every_sample_is_read_once_in_an_epoch() -> None:
    x = nn.Input((1,))
    model = nn.Model(x, nn.Linear(1, bias=False, initialiser=nn.Constant(0.0))(x))
    model.compile(optim.SGD(0.0), "mean_squared_error")
    values = np.arange(7, dtype=np.float32).reshape(7, 1)
    history = model.fit(np.ones_like(values), values, batch_size=3, epochs=2, progress=False)
    # The weight stays 0, so the epoch's loss is the mean square of all targets, once each.
    assert history["loss"] == pytest.approx([float((values**2).mean())] * 2)


def test_validation_is_measured_after_each_epoch() -> None:
    model = small()
    model.compile("adam", "softmax_cross_entropy", ["accuracy"])
    data = blobs(seed=1)
    history = model.fit(*blobs(), epochs=2, batch_size=16, validation_data=data, progress=False)
    assert history["validation_accuracy"][-1] == model.evaluate(*data, batch_size=7)["accuracy"]
    assert set(history.epochs[0].figures) == {
        "loss",
        "accuracy",
        "validation_loss",
        "validation_accuracy",
    }


def test_callbacks_see_the_epochs_and_may_end_the_training() -> None:
    model = small()
    model.compile("adam", "softmax_cross_entropy")
    seen: list[int] = []

    def watch(_model: nn.Model, epoch: nn.Epoch) -> bool:
        seen.append(epoch.number)
        return epoch.number == 2

    history = model.fit(*blobs(), epochs=5, callbacks=[watch], progress=False)
    assert seen == [1, 2]
    assert len(history.epochs) == 2


def test_early_stopping_goes_back_to_the_best_state() -> None:
    model = small()
    model.compile(optim.SGD(0.5), "softmax_cross_entropy")
    states: list[nn.State] = []
    losses_seen = iter([3.0, 1.0, 2.0, 2.0, 2.0, 0.0])

    def stopping(model: nn.Model, epoch: nn.Epoch) -> bool:
        states.append(model.state)
        return rule(model, nn.Epoch(epoch.number, {"loss": next(losses_seen)}, 0.0))

    rule = nn.EarlyStopping("loss", patience=2)
    model.fit(*blobs(), epochs=6, callbacks=[stopping], progress=False)
    assert len(states) == 5
    assert model.state.equals(states[1])
    with pytest.raises(OperationError, match=r"among \['loss'\], found 'validation_loss'"):
        nn.EarlyStopping()(model, nn.Epoch(1, {"loss": 1.0}, 0.0))


def test_the_bar_is_drawn_where_it_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    model = small()
    model.compile("adam", "softmax_cross_entropy")
    model.fit(*blobs(), epochs=1, batch_size=20, progress=True)
    assert "epoch 1/1 [" in (shown := capsys.readouterr().err)
    assert "2/2" in shown
    model.fit(*blobs(), epochs=1, progress=False)
    assert capsys.readouterr().err == ""


def test_measurements_of_parts_merge_to_that_of_the_whole() -> None:
    model = small()
    model.compile("adam", "softmax_cross_entropy", ["accuracy", "iou", "auc"], seed=3)
    images, classes = blobs()
    whole = model.measure(images, classes, batch_size=40)
    parts = [model.measure(images[i : i + 9], classes[i : i + 9]) for i in range(0, 40, 9)]
    merged = nn.Measurement()
    for part in parts:
        merged = merged.merged(part)
    found, expected = model.figures(merged), model.figures(whole)
    assert found["accuracy"] == expected["accuracy"]
    assert found["iou"] == expected["iou"]
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-6)


def test_training_without_compiling_says_what_to_do() -> None:
    with pytest.raises(OperationError, match="call compile"):
        small().fit(*blobs())
    with pytest.raises(OperationError, match="call compile"):
        small().apply_gradients(np.zeros(3, np.float32))


# --- data


def test_integer_classes_are_one_hot_targets() -> None:
    model = small(device="reference")
    model.compile("sgd", "softmax_cross_entropy", seed=1)
    images, classes = blobs(5)
    state = model.state
    first = model.gradients(images, classes)
    model.load_state(state)
    second = model.gradients(images, np.eye(3)[classes])
    assert np.array_equal(first.values, second.values)


def test_a_mask_of_classes_is_a_target_of_channels() -> None:
    x = nn.Input((1, 4, 4))
    model = nn.Model(x, nn.Conv2d(3, 1)(x))
    model.compile("sgd", "dice", ["iou"])
    masks = np.random.default_rng(0).integers(0, 3, (2, 4, 4))
    figures = model.evaluate(np.zeros((2, 1, 4, 4)), masks)
    assert 0 <= figures["iou"] <= 1
    with pytest.raises(OperationError, match="classes from 0 to 2, found 0 to 3"):
        model.evaluate(np.zeros((2, 1, 4, 4)), np.arange(32).reshape(2, 4, 4) % 4)


def test_inputs_and_outputs_go_by_name_or_in_order() -> None:
    a, b = nn.Input((2,), name="a"), nn.Input((3,), name="b")
    joined = nn.Concatenate()(a, b)
    outputs = {"sum": nn.Linear(1)(joined), "kind": nn.Linear(2)(joined)}
    model = nn.Model([a, b], outputs)
    model.compile(
        "sgd",
        {"sum": 0.5 * losses.MeanSquaredError(), "kind": "softmax_cross_entropy"},
        {"sum": ["mean_absolute_error"], "kind": ["accuracy"]},
    )
    x = {"a": np.ones((4, 2)), "b": np.ones((4, 3))}
    y = {"sum": np.zeros((4, 1)), "kind": np.array([0, 1, 0, 1])}
    by_name, in_order = (
        model.evaluate(x, y),
        model.evaluate([x["a"], x["b"]], [y["sum"], y["kind"]]),
    )
    assert by_name == in_order
    assert set(by_name) == {"loss", "sum.mean_absolute_error", "kind.accuracy"}
    found = model.predict(x)
    assert {name: array.shape for name, array in found.items()} == {"sum": (4, 1), "kind": (4, 2)}
    assert model.fit(x, y, epochs=1, progress=False)["loss"][0] > 0


@pytest.mark.parametrize("batch_size", [1, 3, 40, 64])
def test_the_batch_size_does_not_change_predictions(batch_size: int) -> None:
    model, images = trained(), blobs()[0]
    np.testing.assert_allclose(
        model.predict(images, batch_size=batch_size), model.predict(images), rtol=1e-4, atol=1e-5
    )


def test_nothing_is_predicted_for_no_samples() -> None:
    assert small().predict(np.zeros((0, 1, 6, 6))).shape == (0, 3)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            np.zeros((4, 6, 6, 1)),
            np.zeros(4, int),
            r"input 'image': expected \(samples, 1, 6, 6\), found .* channels come first",
        ),
        (np.zeros((4, 1, 6, 6)), np.zeros(3, int), "target 'head': expected 4 samples"),
        (np.zeros((4, 1, 6, 6)), np.zeros((4, 2)), r"target 'head': expected \(samples, 3\), found \(4, 2\)"),
        (np.zeros((4, 1, 6, 6)), np.zeros(4), r"target 'head': expected \(samples, 3\), found \(4,\)"),
    ],
)  # fmt: skip
def test_data_that_does_not_fit_names_the_input(x: np.ndarray, y: np.ndarray, message: str) -> None:
    model = small()
    model.compile("sgd", "softmax_cross_entropy")
    with pytest.raises(ShapeError, match=message):
        model.gradients(x, y)


def test_names_of_data_that_do_not_exist_are_listed() -> None:
    with pytest.raises(OperationError, match=r"each input \['image'\], found \['picture'\]"):
        small().predict({"picture": np.zeros((1, 1, 6, 6))})


# --- losses and what a model ends in


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        (nn.Softmax, losses.SoftmaxCrossEntropy()),
        (nn.Sigmoid, losses.BinaryCrossEntropy()),
        (nn.Softmax, losses.Dice(activation="softmax")),
        (nn.Sigmoid, losses.Dice(activation="sigmoid")),
    ],
)
def test_a_model_that_ends_in_the_activation_is_trained_on_its_logits(
    activation: Callable[[], nn.Layer], loss: Loss
) -> None:
    x = nn.Input((2, 4))
    draw = np.random.default_rng(0)
    data = draw.standard_normal((5, 2, 4)).astype(np.float32)
    target = np.eye(2, dtype=np.float32)[draw.integers(0, 2, (5, 4))].transpose(0, 2, 1).copy()
    conv = nn.Conv1d(2, 3, name="conv")
    plain = nn.Model(x, conv(x), device="reference")
    ending = nn.Model(x, activation()(conv(x)), device="reference")
    for model in (plain, ending):
        model.compile("sgd", loss, seed=2)
    expected, found = plain.gradients(data, target), ending.gradients(data, target)
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-5, atol=1e-7)


def test_an_activation_that_does_not_go_with_the_loss_is_refused() -> None:
    x = nn.Input((3,))
    model = nn.Model(x, nn.Sigmoid()(nn.Linear(3)(x)))
    with pytest.raises(GraphError, match="ends in sigmoid and its loss softmax_cross_entropy"):
        model.compile("sgd", "softmax_cross_entropy")


def test_a_metric_by_name_decides_where_the_loss_does() -> None:
    x = nn.Input((1,))
    model = nn.Model(x, nn.Linear(1, name="score")(x))
    model.compile("sgd", "binary_cross_entropy", ["accuracy"])
    model.load_weights({"score.weight": np.ones((1, 1)), "score.bias": np.zeros(1)})
    data, answers = np.array([[-1.0], [0.3], [2.0]]), np.array([0, 1, 1])
    assert model.evaluate(data, answers)["accuracy"] == 1.0
    model.compile("sgd", "mean_squared_error", [metrics.Accuracy(threshold=0.5)])
    assert model.evaluate(data, answers)["accuracy"] == pytest.approx(2 / 3)


def test_unknown_outputs_and_names_are_listed() -> None:
    model = small()
    with pytest.raises(OperationError, match=r"outputs among \['head'\], found 'tail'"):
        model.compile("sgd", {"tail": "dice"})
    with pytest.raises(OperationError, match="expected a loss among"):
        model.compile("sgd", "hinge")
    with pytest.raises(OperationError, match="expected a metric among"):
        model.compile("sgd", "softmax_cross_entropy", ["accuracies"])


def test_a_measurement_of_nothing_is_not_a_number() -> None:
    model = small()
    model.compile("sgd", "softmax_cross_entropy", ["accuracy"])
    figures = model.evaluate(np.zeros((0, 1, 6, 6)), np.zeros(0, int))
    assert math.isnan(figures["loss"])

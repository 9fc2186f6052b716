"""Every layer does on every device what the reference does: outputs, gradients, running figures, updates."""

from __future__ import annotations

import numpy as np
import pytest

from dhcore import device, nn
from dhcore.optim import Adam
from dhcore.testing import assert_close, tolerance
from tests.dhcore.nn.layer_cases import CASES, LayerCase

each_layer = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
on_each_device = pytest.mark.parametrize("kind", device.KINDS)


def compiled(case: LayerCase, kind: str) -> nn.Model:
    model = case.model(learned_before=True)
    model.device = device.as_device(kind)
    model.compile(Adam(0.01), "mean_squared_error", seed=5)
    return model


def batch(case: LayerCase, samples: int = 5) -> tuple[list[np.ndarray], np.ndarray]:
    draw = np.random.default_rng(2)
    x = [draw.standard_normal((samples, *shape)).astype(np.float32) for shape in case.inputs]
    return x, draw.standard_normal((samples, *case.output)).astype(np.float32)


@each_layer
@on_each_device
def test_outputs_agree_with_the_reference(case: LayerCase, kind: str) -> None:
    x, _ = batch(case)
    expected = compiled(case, "reference").predict(x)
    assert_close(compiled(case, kind).predict(x), expected, tolerance(kind, "float32").forward)


@each_layer
@on_each_device
def test_gradients_and_running_figures_agree_with_the_reference(case: LayerCase, kind: str) -> None:
    x, y = batch(case)
    weight = np.array([1.0, 2.0, 0.0, 0.5, 1.0], np.float32)
    reference, model = compiled(case, "reference"), compiled(case, kind)
    expected, found = reference.gradients(x, y, weight), model.gradients(x, y, weight)
    allowed = tolerance(kind, "float32").gradient
    assert found.loss == pytest.approx(expected.loss, rel=1e-5)
    assert found.samples == expected.samples == 4.5
    assert_close(found.values, expected.values, allowed)
    assert_close(model.state.buffers, reference.state.buffers, allowed)


@each_layer
@on_each_device
def test_a_step_of_training_is_gradient_and_update(case: LayerCase, kind: str) -> None:
    x, y = batch(case)
    at_once, in_two = compiled(case, kind), compiled(case, kind)
    for _ in range(2):
        at_once.train_batch(x, y)
        in_two.apply_gradients(in_two.gradients(x, y).values)
    first, second = at_once.state, in_two.state
    assert first.step == second.step == 2
    for name, array in first.arrays().items():
        assert_close(array, second.arrays()[name], tolerance(kind, "float32").gradient)


@each_layer
@on_each_device
def test_samples_do_not_see_each_other_in_use(case: LayerCase, kind: str) -> None:
    x, _ = batch(case)
    model = compiled(case, kind)
    together = model.predict(x)
    alone = np.concatenate([model.predict([part[i : i + 1] for part in x]) for i in range(5)])
    assert_close(together, alone, tolerance(kind, "float32").forward)


@each_layer
@on_each_device
def test_the_same_steps_give_the_same_bits(case: LayerCase, kind: str) -> None:
    x, y = batch(case)
    states = []
    for _ in range(2):
        model = compiled(case, kind)
        for _ in range(2):
            model.train_batch(x, y)
        states.append(model.state)
    assert states[0].equals(states[1])

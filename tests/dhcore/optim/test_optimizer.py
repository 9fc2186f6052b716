"""Optimizers against loops in double precision, and what masks, schedules and clipping promise."""

from __future__ import annotations

import itertools
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhcore import optim
from dhcore.errors import OperationError, ShapeError

SIZE = 257
STEPS = 20


def sgd_in_double(p: np.ndarray, gradients: np.ndarray, rule: Any) -> np.ndarray:
    p, v = p.astype(np.float64), np.zeros(p.size)
    for step, gradient in enumerate(gradients):
        g = gradient.astype(np.float64) + rule.weight_decay * p
        v = rule.momentum * v + g
        p = p - rule.rate(step) * (g + rule.momentum * v if rule.nesterov else v)
    return p


def adam_in_double(
    p: np.ndarray, gradients: np.ndarray, rule: Any, *, decoupled: bool
) -> np.ndarray:
    p, m, s = p.astype(np.float64), np.zeros(p.size), np.zeros(p.size)
    for step, gradient in enumerate(gradients):
        g = gradient.astype(np.float64)
        if decoupled:
            p = p * (1 - rule.rate(step) * rule.weight_decay)
        else:
            g = g + rule.weight_decay * p
        m = rule.beta1 * m + (1 - rule.beta1) * g
        s = rule.beta2 * s + (1 - rule.beta2) * g * g
        mean = m / (1 - rule.beta1 ** (step + 1))
        square = s / (1 - rule.beta2 ** (step + 1))
        p = p - rule.rate(step) * mean / (np.sqrt(square) + rule.epsilon)
    return p


def start(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    parameters = draw.standard_normal(SIZE).astype(np.float32)
    return parameters, draw.standard_normal((STEPS, SIZE)).astype(np.float32)


def run(
    rule: Any, parameters: np.ndarray, gradients: np.ndarray, **masks: np.ndarray
) -> np.ndarray:
    parameters, slots = parameters.copy(), rule.slots(parameters.size)
    for step, gradient in enumerate(gradients):
        rule.update(parameters, gradient, slots, step, **masks)
    return parameters


@pytest.mark.parametrize(
    "rule",
    [
        optim.SGD(0.1),
        optim.SGD(0.1, weight_decay=0.03),
        optim.SGD(0.1, momentum=0.9),
        optim.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.03),
        optim.SGD(optim.Cosine(0.1, steps=15), momentum=0.5),
    ],
    ids=repr,
)
def test_sgd_follows_its_formula(rule: Any) -> None:
    parameters, gradients = start()
    expected = sgd_in_double(parameters, gradients, rule)
    np.testing.assert_allclose(run(rule, parameters, gradients), expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    "rule",
    [
        optim.Adam(0.05),
        optim.Adam(0.05, weight_decay=0.1),
        optim.AdamW(0.05, weight_decay=0.1),
        optim.AdamW(optim.Step(0.05, every=7, factor=0.5), beta1=0.8),
    ],
    ids=repr,
)
def test_adam_follows_its_formula(rule: Any) -> None:
    parameters, gradients = start()
    decoupled = isinstance(rule, optim.AdamW)
    expected = adam_in_double(parameters, gradients, rule, decoupled=decoupled)
    np.testing.assert_allclose(run(rule, parameters, gradients), expected, rtol=2e-5, atol=2e-5)


RULES = [
    optim.SGD(0.1, weight_decay=0.1),
    optim.SGD(0.1, momentum=0.9, weight_decay=0.1),
    optim.Adam(0.1, weight_decay=0.1),
    optim.AdamW(0.1, weight_decay=0.1),
]


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_frozen_parameter_keeps_its_value_and_its_slots(rule: Any) -> None:
    parameters, gradients = start()
    before, slots = parameters.copy(), rule.slots(SIZE)
    trainable = np.arange(SIZE) % 3 != 0
    for step, gradient in enumerate(gradients):
        rule.update(parameters, gradient, slots, step, trainable=trainable)
    assert np.array_equal(parameters[~trainable], before[~trainable])
    assert (parameters[trainable] != before[trainable]).all()
    for slot in slots.values():
        assert not slot[~trainable].any()


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_decay_touches_only_what_decays(rule: Any) -> None:
    parameters, gradients = start()
    decay = np.arange(SIZE) < 100
    mixed = run(rule, parameters, gradients, decay=decay)
    with_decay = run(rule, parameters, gradients)
    without = run(rule, parameters, gradients, decay=np.zeros(SIZE, bool))
    assert np.array_equal(mixed, np.where(decay, with_decay, without))
    assert not np.array_equal(with_decay, without)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_layout_of_the_arena_does_not_matter(rule: Any) -> None:
    parameters, gradients = start()
    order = np.random.default_rng(1).permutation(SIZE)
    shuffled = run(rule, parameters[order], gradients[:, order])
    assert np.array_equal(shuffled, run(rule, parameters, gradients)[order])


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_two_halves_of_a_run_make_the_whole(rule: Any) -> None:
    parameters, gradients = start()
    whole = run(rule, parameters, gradients)
    slots = rule.slots(SIZE)
    for step, gradient in enumerate(gradients):
        if step == STEPS // 2:
            slots = pickle.loads(pickle.dumps(slots))
        pickle.loads(pickle.dumps(rule)).update(parameters, gradient, slots, step)
    assert np.array_equal(parameters, whole)


def test_a_gradient_is_left_as_it_is() -> None:
    parameters, gradients = start()
    gradient = gradients[0]
    before = gradient.copy()
    rule = optim.SGD(0.1, momentum=0.9, clip_norm=0.1)
    rule.update(parameters, gradient, rule.slots(SIZE), 0)
    assert np.array_equal(gradient, before)


def test_clipping_bounds_the_step_and_counts_trainable_parameters_only() -> None:
    gradient = np.array([3.0, 4.0, 100.0], np.float32)
    parameters = np.zeros(3, np.float32)
    rule = optim.SGD(1.0, clip_norm=1.0)
    rule.update(parameters, gradient, {}, 0, trainable=np.array([True, True, False]))
    np.testing.assert_allclose(parameters, [-0.6, -0.8, 0.0], rtol=1e-6)


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=50), st.floats(0.01, 100))
@settings(max_examples=50, deadline=None)
def test_a_clipped_gradient_is_no_longer_than_the_limit_and_points_the_same_way(
    values: list[float], limit: float
) -> None:
    gradient = np.array(values, np.float32)
    clipped = optim.clip_by_norm(gradient, limit)
    assert optim.norm(clipped) <= limit * (1 + 1e-6)
    if optim.norm(gradient) <= limit:
        assert np.array_equal(clipped, gradient)
    else:
        assert math.isclose(optim.norm(clipped), limit, rel_tol=1e-5)
        assert float(clipped.astype(float) @ gradient.astype(float)) >= 0


def test_cosine_meets_its_ends_and_never_rises_after_the_warm_up() -> None:
    schedule = optim.Cosine(0.3, steps=100, floor=0.01, warmup=10)
    rates = [schedule(step) for step in range(150)]
    assert rates[0] == pytest.approx(0.03)
    assert rates[9] == rates[10] == pytest.approx(0.3)
    assert all(a < b for a, b in itertools.pairwise(rates[:10]))
    assert all(a >= b for a, b in itertools.pairwise(rates[9:]))
    assert rates[100:] == pytest.approx([0.01] * 50)


def test_a_wrong_array_is_named() -> None:
    rule = optim.SGD(0.1, momentum=0.9)
    parameters = np.zeros(4, np.float32)
    with pytest.raises(ShapeError, match=r"gradient: expected a flat array of 4 float32.*\(3,\)"):
        rule.update(parameters, np.zeros(3, np.float32), rule.slots(4), 0)
    with pytest.raises(ShapeError, match=r"parameters: .*float64"):
        rule.update(np.zeros(4), np.zeros(4, np.float32), rule.slots(4), 0)
    with pytest.raises(OperationError, match=r"SGD keeps the slots \('velocity',\)"):
        rule.update(parameters, parameters.copy(), {}, 0)


def test_an_unknown_optimizer_is_answered_with_the_known_ones() -> None:
    with pytest.raises(OperationError, match=r"\['adam', 'adamw', 'sgd'\], found 'lion'"):
        optim.by_name("lion")


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.SGD(0.1, momentum=1.0),
        lambda: optim.SGD(0.1, nesterov=True),
        lambda: optim.Adam(beta2=-0.1),
        lambda: optim.Cosine(0.1, steps=3, warmup=3),
        lambda: optim.Step(0.1, every=0),
        lambda: optim.SGD(-0.1),
        lambda: optim.SGD("0.1"),  # type: ignore[arg-type]
        lambda: optim.Adam(float("nan")),
        lambda: optim.AdamW(weight_decay=-0.1),
        lambda: optim.SGD(0.1, weight_decay=-0.1),
        lambda: optim.Adam(epsilon=-1e-8),
        lambda: optim.Adam(clip_norm=-1.0),
    ],
)
def test_impossible_figures_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(OperationError, match=r"got|try|expected a finite number of 0 or more"):
        make()

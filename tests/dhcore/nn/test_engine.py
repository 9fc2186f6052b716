"""Whatever is asked of a model in whatever order, plans give what the interpreter gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dhcore import nn, optim, threads
from dhcore.nn import _engine
from dhcore.testing import assert_close


def model(kind: str) -> nn.Model:
    x = nn.Input((2, 4, 4))
    y = nn.ReLU()(nn.BatchNorm()(nn.Conv2d(3, 3, name="conv")(x)))
    made = nn.Model(x, nn.Linear(2, name="head")(nn.Flatten()(y)), device=kind)
    made.compile(optim.SGD(0.05, momentum=0.9), "mean_squared_error", seed=3)
    return made


def batch(size: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(size)
    x = draw.standard_normal((size, 2, 4, 4)).astype(np.float32)
    return x, draw.standard_normal((size, 2)).astype(np.float32)


def train(one: nn.Model, size: int) -> None:
    one.train_batch(*batch(size))


def train_in_two(one: nn.Model, size: int) -> None:
    one.apply_gradients(one.gradients(*batch(size)).values)


def look(one: nn.Model, size: int) -> None:
    one.gradients(*batch(size))


def predict(one: nn.Model, size: int) -> None:
    one.predict(batch(size)[0])


def rewrite(one: nn.Model, size: int) -> None:
    one.load_weights({"head.bias": np.full(2, size / 10)})


def reload(one: nn.Model, size: int) -> None:
    one.load_state(one.state)


def freeze(one: nn.Model, size: int) -> None:
    one.freeze("conv*", trainable=size % 2 == 0)


ACTIONS: list[Callable[[nn.Model, int], None]] = [
    train, train_in_two, look, predict, rewrite, reload, freeze,
]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from([1, 2, 3, 8])), max_size=6))
@settings(max_examples=25, deadline=None)
def test_plans_and_interpreter_agree_after_any_history(
    history: list[tuple[Callable[[nn.Model, int], None], int]],
) -> None:
    fast, reference = model("cpu"), model("reference")
    for action, size in [*history, (train, 4)]:
        action(fast, size)
        action(reference, size)
    found, expected = fast.state, reference.state
    assert found.step == expected.step
    for name, array in expected.arrays().items():
        assert_close(found.arrays()[name], array, 2e-4)
    np.testing.assert_allclose(
        fast.predict(batch(5)[0]), reference.predict(batch(5)[0]), rtol=2e-3, atol=2e-3
    )


def test_plans_are_used_again_and_kept_within_a_bound() -> None:
    fast = model("cpu")
    plans: list[int] = []
    for size in (8, 8, 7, 8, 1, 2, 4, 8, 16, 32, 64):
        fast.train_batch(*batch(size))
        engine = fast._engine
        assert isinstance(engine, _engine.PlanEngine)
        plans.append(len(engine._plans))
    assert plans == [1, 1, 1, 1, 2, 3, 4, 4, 4, 4, 4]


def test_the_number_of_threads_is_part_of_the_question() -> None:
    alone, before = model("cpu"), model("cpu")
    with threads.limit(1):
        alone.train_batch(*batch(8))
    before.predict(batch(8)[0])
    with threads.limit(1):
        before.train_batch(*batch(8))
    assert alone.state.equals(before.state)

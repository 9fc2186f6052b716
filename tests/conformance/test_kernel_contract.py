"""Every operation on every backend: its value, its gradient, its shape, and that it leaves its arguments alone."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from dhcore._backends.base import CONTRACT
from dhcore._backends.registry import MODULES, kernels
from dhcore._ops import OPERATIONS, apply, infer_shape
from dhcore._ops.table import evaluate
from dhcore.device import KINDS, Device
from dhcore.tensor import Tensor
from dhcore.testing import assert_close, check_gradients, tolerance
from tests.conformance.operation_cases import CASES, Case

PLACES = [
    ("cpu", "float64"),
    ("reference", "float64"),
    ("reference", "float32"),
    ("cpu", "float32"),
]
DIFFERENTIABLE = [case for case in CASES if case.positions]


def applied(case: Case, *arguments: Any) -> Tensor:
    return apply(case.op, *arguments, training=case.training, **case.attributes)


def gradients(
    case: Case, device: str, dtype: str, direction: np.ndarray[Any, Any]
) -> list[np.ndarray[Any, Any]]:
    leaves = [
        Tensor(array, device=device, requires_grad=position in case.positions)
        for position, array in enumerate(case.arguments(dtype))
    ]
    applied(case, *leaves).backward(direction.astype(dtype))
    found = [leaves[position].grad for position in case.positions]
    return [gradient.numpy() for gradient in found if gradient is not None]


def test_every_operation_has_a_case() -> None:
    assert {case.op for case in CASES} == set(OPERATIONS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_backend_has_exactly_the_kernels_of_the_contract(kind: str) -> None:
    assert set(MODULES[kind]) == set(CONTRACT)
    for family, names in CONTRACT.items():
        assert set(importlib.import_module(MODULES[kind][family]).KERNELS) == set(names)


@pytest.mark.parametrize("family", CONTRACT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_family_has_the_same_file_name_in_every_backend(kind: str, family: str) -> None:
    assert MODULES[kind][family].rpartition(".")[2] == family


@pytest.mark.parametrize("device, dtype", PLACES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_value_agrees_with_plain_loops(case: Case, device: str, dtype: str) -> None:
    arguments = case.arguments(dtype)
    result = applied(case, *(Tensor(array, device=device) for array in arguments))
    assert_close(result.numpy(), case.expected(arguments), tolerance(device, dtype).forward)


@pytest.mark.parametrize("device, dtype", PLACES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_shape_and_dtype_are_what_the_table_says(case: Case, device: str, dtype: str) -> None:
    arguments = case.arguments(dtype)
    row = OPERATIONS[case.op]
    call = evaluate(
        row,
        kernels(Device(device)),
        [*arguments, *[None] * (0 if row.variadic else len(row.arguments) - len(arguments))],
        case.attributes,
        needs=(False,) * len(arguments),
        training=case.training,
    )
    assert call.output.shape == infer_shape(
        case.op, [array.shape for array in arguments], case.attributes
    )
    if case.op != "cast":
        assert call.output.dtype == row.dtype([array.dtype for array in arguments]).result


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_the_gradient_agrees_with_finite_differences(case: Case) -> None:
    fixed = case.arguments("float64")

    def function(*moving: Tensor) -> Tensor:
        # Arguments without a gradient keep their dtype: a condition stays a condition.
        parts = [
            moving[i] if i in case.positions else Tensor(fixed[i], device="reference")
            for i in range(len(fixed))
        ]
        return applied(case, *parts)

    check_gradients(function, *fixed, positions=case.positions)


@pytest.mark.parametrize("device", [kind for kind in KINDS if kind != "reference"])
@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_the_gradient_agrees_with_the_reference(case: Case, device: str) -> None:
    shape = infer_shape(case.op, case.shapes, case.attributes)
    direction = np.random.default_rng(5).standard_normal(shape)
    exact = gradients(case, "reference", "float64", direction)
    found = gradients(case, device, "float32", direction)
    for actual, expected in zip(found, exact, strict=True):
        assert_close(actual, expected, tolerance(device, "float32").gradient)


@pytest.mark.parametrize("device, dtype", PLACES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_arguments_and_their_order_in_memory_do_not_matter(
    case: Case, device: str, dtype: str
) -> None:
    arguments = case.arguments(dtype)
    if any(array.ndim > 1 for array in arguments):
        turned = [np.asfortranarray(array) for array in arguments]
        before = [array.copy() for array in turned]
        plain = applied(case, *(Tensor(array, device=device) for array in arguments))
        other = applied(
            case, *(Tensor(array, device=device, requires_grad=False) for array in turned)
        )
        assert_close(other.numpy(), plain.numpy(), tolerance(device, dtype).forward)
        for array, copy in zip(turned, before, strict=True):
            np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("device", KINDS)
def test_training_batch_norm_moves_its_buffers_as_defined(device: str) -> None:
    x = np.random.default_rng(0).standard_normal((4, 3, 5))
    mean, variance = Tensor(np.ones(3), device=device), Tensor(np.full(3, 2.0), device=device)
    weights = [Tensor(np.ones(3), device=device), Tensor(np.zeros(3), device=device)]
    apply(
        "batch_norm",
        Tensor(x, device=device),
        *weights,
        mean,
        variance,
        momentum=0.25,
        training=True,
    )
    assert_close(mean.numpy(), 0.75 + 0.25 * x.mean(axis=(0, 2)), 1e-12)
    assert_close(variance.numpy(), 1.5 + 0.25 * x.var(axis=(0, 2), ddof=1), 1e-12)


@pytest.mark.parametrize("device", KINDS)
def test_dropout_in_training_scales_what_it_keeps(device: str) -> None:
    x = Tensor(np.ones((50, 40), np.float32), device=device, requires_grad=True)
    y = apply("dropout", x, rate=0.2, training=True, key=(1, 2, 3))
    assert set(np.unique(y.numpy())) == {np.float32(0), np.float32(1.25)}
    assert abs(float(y.numpy().mean()) - 1) < 0.05
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())  # type: ignore[union-attr]  # backward has filled it


def test_dropout_is_the_same_on_every_device() -> None:
    x = np.ones((7, 9), np.float32)
    key = {"rate": 0.5, "training": True, "key": (4, 1, 9)}
    first, *others = [apply("dropout", Tensor(x, device=kind), **key).numpy() for kind in KINDS]
    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.op in ("convolution", "batch_norm", "softmax_cross_entropy")],
    ids=str,
)
def test_repeating_a_computation_gives_the_same_bits(case: Case) -> None:
    direction = np.ones(infer_shape(case.op, case.shapes, case.attributes))
    first, second = (gradients(case, "cpu", "float32", direction) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)

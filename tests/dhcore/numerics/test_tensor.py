from __future__ import annotations

import operator
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dhcore.errors import DtypeError, GradientError, OperationError, ShapeError
from dhcore.tensor import Tensor, concatenate, maximum, minimum, no_grad, stack, where
from dhcore.testing import assert_close, check_gradients

#: The same examples every time; the clock of a busy machine is no property.
PROPERTY = settings(deadline=None, derandomize=True)
FLOATS = st.floats(-8, 8, width=32)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, max_side=4)
ARRAYS = hnp.arrays(np.float32, SHAPES, elements=FLOATS)
OPERATORS = (operator.add, operator.sub, operator.mul, operator.lt, operator.ge, operator.eq)


@PROPERTY
@given(st.data(), hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4))
def test_operators_broadcast_as_numpy_does(data: st.DataObject, shapes: Any) -> None:
    a, b = (
        data.draw(hnp.arrays(np.float32, shape, elements=FLOATS)) for shape in shapes.input_shapes
    )
    for operate in OPERATORS:
        result = operate(Tensor(a), Tensor(b))
        expected = operate(a, b)
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result.numpy(), expected)


@PROPERTY
@given(st.data(), hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
def test_the_gradient_of_a_broadcast_has_the_shape_of_the_argument(
    data: st.DataObject, shapes: Any
) -> None:
    a, b = (
        Tensor(data.draw(hnp.arrays(np.float64, shape, elements=FLOATS)), requires_grad=True)
        for shape in shapes.input_shapes
    )
    (a * b + a).sum().backward()
    assert a.grad is not None
    assert b.grad is not None
    result = np.ones(shapes.result_shape)
    np.testing.assert_allclose(
        a.grad.numpy().sum(), ((b.numpy() + 1) * result).sum(), rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(
        b.grad.numpy().sum(), (a.numpy() * result).sum(), rtol=1e-9, atol=1e-9
    )
    assert (a.grad.shape, b.grad.shape) == (a.shape, b.shape)


@PROPERTY
@given(st.data(), ARRAYS)
def test_basic_indexing_is_that_of_numpy(data: st.DataObject, array: Any) -> None:
    index = data.draw(hnp.basic_indices(array.shape, allow_newaxis=True, allow_ellipsis=True))
    expected = array[index]
    result = Tensor(array)[index]
    assert result.shape == np.shape(expected)
    np.testing.assert_array_equal(result.numpy(), expected)


@PROPERTY
@given(
    st.data(),
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4), elements=FLOATS),
)
def test_the_gradient_of_indexing_counts_how_often_an_element_was_taken(
    data: st.DataObject, array: Any
) -> None:
    index = data.draw(hnp.basic_indices(array.shape) | hnp.integer_array_indices(array.shape))
    x = Tensor(array, requires_grad=True)
    x[index].sum().backward()
    expected = np.zeros_like(array)
    np.add.at(expected, index, 1.0)
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@PROPERTY
@given(
    st.data(),
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4), elements=FLOATS),
)
def test_indexing_by_arrays_is_that_of_numpy(data: st.DataObject, array: Any) -> None:
    places = data.draw(hnp.integer_array_indices(array.shape))
    np.testing.assert_array_equal(Tensor(array)[places].numpy(), array[places])
    mask = array > 0
    np.testing.assert_array_equal(Tensor(array)[mask].numpy(), array[mask])
    np.testing.assert_array_equal(Tensor(array)[Tensor(mask)].numpy(), array[mask])


@PROPERTY
@given(st.data(), ARRAYS, st.sampled_from(["sum", "mean", "max", "min"]), st.booleans())
def test_reductions_are_those_of_numpy(
    data: st.DataObject, array: Any, name: str, keepdims: bool
) -> None:
    axes = data.draw(st.none() | hnp.valid_tuple_axes(array.ndim)) if array.ndim else None
    expected = getattr(np, name)(array.astype(np.float64), axis=axes, keepdims=keepdims)
    result = getattr(Tensor(array), name)(axes, keepdims=keepdims)
    assert result.dtype == np.float32
    assert_close(result.numpy(), expected, 1e-5)


@PROPERTY
@given(st.data(), ARRAYS)
def test_transpose_and_reshape_are_those_of_numpy(data: st.DataObject, array: Any) -> None:
    axes = data.draw(st.permutations(range(array.ndim)))
    np.testing.assert_array_equal(Tensor(array).transpose(*axes).numpy(), array.transpose(axes))
    np.testing.assert_array_equal(Tensor(array).T.numpy(), array.T)
    np.testing.assert_array_equal(Tensor(array).reshape(-1).numpy(), array.reshape(-1))


@pytest.mark.parametrize(
    "shapes",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((4, 2, 3), (3,)),
        ((2, 3), (5, 3, 4)),
        ((3,), (5, 3, 4)),
    ],
)
def test_matmul_is_that_of_numpy(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    random = np.random.default_rng(0)
    a, b = (random.standard_normal(shape) for shape in shapes)
    assert_close((Tensor(a) @ Tensor(b)).numpy(), a @ b, 1e-12)
    assert_close((a @ Tensor(b)).numpy(), a @ b, 1e-12)
    check_gradients(lambda x, y: x @ y, a, b)


@pytest.mark.parametrize("operate", [*OPERATORS, operator.truediv, operator.pow])
def test_a_number_takes_the_dtype_of_the_tensor_on_either_side(operate: Any) -> None:
    for dtype in (np.float32, np.float64):
        array = np.array([1.0, 2.0, 4.0], dtype)
        for number in (2, 2.0):
            for mine, theirs in (
                ((Tensor(array), number), (array, number)),
                ((number, Tensor(array)), (number, array)),
            ):
                assert operate(*mine).dtype == operate(*theirs).dtype
                np.testing.assert_allclose(operate(*mine).numpy(), operate(*theirs))


def test_a_numpy_array_on_the_left_leaves_the_operator_to_the_tensor() -> None:
    result = np.ones(3, np.float32) * Tensor([1.0, 2.0, 3.0], requires_grad=True)
    assert isinstance(result, Tensor)
    assert result.requires_grad


def test_a_fraction_makes_floats_of_integers() -> None:
    assert (Tensor([1, 2]) * 0.5).numpy().tolist() == [0.5, 1.0]
    assert (Tensor([1, 2]) / 2).numpy().tolist() == [0.5, 1.0]


@PROPERTY
@given(ARRAYS)
def test_a_tensor_goes_to_numpy_and_back_without_a_copy(array: Any) -> None:
    tensor = Tensor(array)
    assert np.shares_memory(np.asarray(tensor), array) or array.size == 0
    np.testing.assert_array_equal(np.array(tensor), array)
    assert np.asarray(tensor, dtype=np.float64).dtype == np.float64


def test_dlpack_goes_both_ways_without_a_copy() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = Tensor(array)
    out = np.from_dlpack(tensor)
    assert np.shares_memory(out, array)

    class Foreign:
        """An array of another library."""

        def __dlpack__(self, **arguments: Any) -> Any:
            return array.__dlpack__(**arguments)

        def __dlpack_device__(self) -> tuple[int, int]:
            return array.__dlpack_device__()

    assert np.shares_memory(Tensor(Foreign()).numpy(), array)


def test_a_value_used_twice_gets_both_gradients() -> None:
    x = Tensor(3.0, requires_grad=True, dtype="float64")
    y = x * x
    (y * y + y).backward()
    assert x.grad is not None
    assert x.grad.item() == 4 * 27 + 6


def test_backward_adds_to_the_gradient_that_is_there() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    for _ in range(2):
        (x * 3).sum().backward()
    assert x.grad is not None
    assert x.grad.numpy().tolist() == [6.0, 6.0]


def test_a_chain_of_ten_thousand_operations_is_no_deeper_than_python_allows() -> None:
    x = y = Tensor(1.0, requires_grad=True)
    for _ in range(10_000):
        y = y + 1
    y.backward()
    assert x.grad is not None
    assert x.grad.item() == 1


def test_nothing_is_recorded_within_no_grad() -> None:
    x = Tensor([1.0], requires_grad=True)
    with no_grad():
        y = x * 2
    assert not y.requires_grad
    assert (x * 2).requires_grad


def test_gradients_pass_between_float_types() -> None:
    x = Tensor(np.ones(3, np.float32), requires_grad=True)
    (x.astype("float64") * np.arange(3.0)).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == np.float32
    assert x.grad.numpy().tolist() == [0, 1, 2]


def test_functions_of_several_tensors_have_gradients() -> None:
    random = np.random.default_rng(1)
    a, b = random.standard_normal((2, 3, 2))
    check_gradients(lambda x, y: concatenate([x, y, x], 1), a, b)
    check_gradients(lambda x, y: stack([x, y], -1), a, b)
    check_gradients(lambda x, y: where(x.detach() > 0, x, y), a, b)
    check_gradients(lambda x, y: maximum(x, y) * minimum(x, y), a, b)
    check_gradients(lambda x, y: x.exp() / (abs(y) + 1).sqrt() - (x * x + 1).log(), a, b)
    check_gradients(lambda x, y: ((x - x.mean(0)) ** 2).mean(0).sum() - y[..., None, 1].max(), a, b)


def test_equal_extremes_share_the_gradient() -> None:
    x = Tensor([2.0, 1.0, 2.0], requires_grad=True)
    x.max().backward()
    assert x.grad is not None
    assert x.grad.numpy().tolist() == [0.5, 0.0, 0.5]


def test_a_tensor_travels_without_its_past() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True, device="reference")
    leaf, result = pickle.loads(pickle.dumps((x, x * 2)))
    assert (leaf.requires_grad, result.requires_grad) == (True, False)
    assert leaf.device == x.device
    assert result.numpy().tolist() == [2.0, 4.0]


def test_a_loop_over_a_tensor_ends() -> None:
    assert [row.numpy().tolist() for row in Tensor([[1.0], [2.0]])] == [[1.0], [2.0]]


@pytest.mark.parametrize(
    "mistake, error, words",
    [
        (lambda: Tensor([1.0]).backward(), GradientError, "requires_grad"),
        (lambda: Tensor([1.0, 2.0], requires_grad=True).backward(), GradientError, "scalar"),
        (lambda: Tensor([1, 2], requires_grad=True), GradientError, "int64"),
        (lambda: Tensor(["a"]), DtypeError, "U1"),
        (lambda: Tensor([1.0, 2.0]) + Tensor([1.0, 2.0, 3.0]), ShapeError, "broadcast"),
        (lambda: Tensor(np.ones((2, 3))) @ Tensor(np.ones((2, 3))), ShapeError, "matmul"),
        (lambda: Tensor([1.0, 2.0]).reshape(3), ShapeError, "2 elements"),
        (lambda: Tensor([1.0, 2.0]).sum(1), ShapeError, "axis"),
        (lambda: Tensor([1.0, 2.0])[2], IndexError, "found 2"),
        (lambda: Tensor([1.0, 2.0]).item(), ShapeError, "1 element"),
        (lambda: Tensor([1, 2]).exp(), DtypeError, "astype"),
        (lambda: concatenate([Tensor([[1.0]]), Tensor([1.0])]), ShapeError, "concatenate"),
        (lambda: maximum(1.0, 2.0), OperationError, "Tensor"),
    ],
)
def test_a_mistake_is_told_with_what_was_found(
    mistake: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        mistake()

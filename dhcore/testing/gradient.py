"""Gradients checked against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dhcore.random import generator
from dhcore.tensor import Tensor
from dhcore.testing.tolerance import assert_close

__all__ = ["check_gradients", "numerical_gradient"]

FloatArray = npt.NDArray[np.float64]


def numerical_gradient(
    function: Callable[..., float],
    arrays: Sequence[npt.ArrayLike],
    position: int,
    *,
    step: float = 1e-5,
) -> FloatArray:
    """Return the gradient of a function with respect to one argument, by central differences.

    ``(f(x + step) - f(x - step)) / (2 step)``, element by element, in float64. The error is of the order of
    ``step**2``.

    Args:
        function: Takes float64 arrays, returns a number.
        arrays: Its arguments.
        position: Which of them to differentiate by.
        step: Half the distance between the two evaluations.

    >>> numerical_gradient(lambda x: float((x * x).sum()), [[1.0, 2.0]], 0).round(6)
    array([2., 4.])
    """
    arguments = [np.array(array, np.float64) for array in arrays]
    varied = arguments[position]
    gradient = np.empty_like(varied)
    for index in np.ndindex(varied.shape):
        centre = varied[index]
        varied[index] = centre + step
        above = function(*arguments)
        varied[index] = centre - step
        below = function(*arguments)
        varied[index] = centre
        gradient[index] = (above - below) / (2 * step)
    return gradient


def check_gradients(
    function: Callable[..., Tensor],
    *arrays: npt.ArrayLike,
    positions: Sequence[int] | None = None,
    device: str = "reference",
    error: float = 1e-7,
    seed: int = 0,
) -> None:
    """Assert that the recorded gradients of a function agree with finite differences, in float64.

    What the function returns is multiplied by a random direction and summed, so one pass checks every element.

    Args:
        function: Takes tensors, returns a tensor.
        arrays: Its arguments.
        positions: Which arguments to differentiate by; all of them by default.
        device: Where to compute.
        error: See :func:`dhcore.testing.assert_close`.
        seed: Of the direction.

    Raises:
        AssertionError: They differ.

    >>> check_gradients(lambda a, b: a * b, [1.0, 2.0], [3.0, 4.0])
    """
    chosen = range(len(arrays)) if positions is None else positions
    values = [np.array(array, np.float64) for array in arrays]
    leaves = [
        Tensor(value, device=device, requires_grad=position in chosen)
        for position, value in enumerate(values)
    ]
    result = function(*leaves)
    direction = generator(seed, "direction").standard_normal(result.shape)
    result.backward(direction)

    def projected(*arguments: Any) -> float:
        # Copies: central differences change the arguments in place, and a result may be a view of one.
        moved = function(*(Tensor(np.array(argument), device=device) for argument in arguments))
        return float((moved.numpy() * direction).sum())

    for position in chosen:
        gradient = leaves[position].grad
        found = np.zeros_like(values[position]) if gradient is None else gradient.numpy()
        assert_close(found, numerical_gradient(projected, values, position), error)

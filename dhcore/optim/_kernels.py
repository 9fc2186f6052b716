"""Update rules as single passes over flat arrays.

Every element is computed on its own in single precision, in one order of operations, so a rule gives the same bits for
any layout of the arena and any number of workers. An element whose ``trainable`` is false keeps parameter and slots.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from dhcore._backends.cpu.jit import parallel

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Float = np.float32


@parallel
def descend(
    parameters: Floats, gradient: Floats, decay: Flags, trainable: Flags, rate: Any, penalty: Any
) -> None:
    """Take one step of plain gradient descent."""
    for i in prange(parameters.size):
        value = parameters[i]
        slope = gradient[i] + (penalty if decay[i] else Float(0)) * value
        parameters[i] = value - rate * slope if trainable[i] else value


@parallel
def descend_with_momentum(
    parameters: Floats,
    gradient: Floats,
    velocity: Floats,
    decay: Flags,
    trainable: Flags,
    rate: Any,
    momentum: Any,
    penalty: Any,
    ahead: Any,
) -> None:
    """Take one step of (Nesterov) momentum; ``ahead`` is the momentum for Nesterov's rule, else 0."""
    own = Float(1) if ahead != Float(0) else Float(0)
    along = ahead if ahead != Float(0) else Float(1)
    for i in prange(parameters.size):
        value = parameters[i]
        slope = gradient[i] + (penalty if decay[i] else Float(0)) * value
        speed = momentum * velocity[i] + slope
        velocity[i] = speed if trainable[i] else velocity[i]
        parameters[i] = value - rate * (own * slope + along * speed) if trainable[i] else value


@parallel
def adapt(
    parameters: Floats,
    gradient: Floats,
    mean: Floats,
    square: Floats,
    decay: Flags,
    trainable: Flags,
    rate: Any,
    beta1: Any,
    rest1: Any,
    beta2: Any,
    rest2: Any,
    correction: Any,
    epsilon: Any,
    penalty: Any,
    shrink: Any,
) -> None:
    """Take one step of Adam; ``penalty`` joins the gradient, ``shrink`` is AdamW's factor on the value."""
    for i in prange(parameters.size):
        value = parameters[i] * (shrink if decay[i] else Float(1))
        slope = gradient[i] + (penalty if decay[i] else Float(0)) * value
        first = beta1 * mean[i] + rest1 * slope
        second = beta2 * square[i] + rest2 * slope * slope
        step = rate * first / (math.sqrt(second) * correction + epsilon)
        mean[i] = first if trainable[i] else mean[i]
        square[i] = second if trainable[i] else square[i]
        parameters[i] = value - step if trainable[i] else parameters[i]

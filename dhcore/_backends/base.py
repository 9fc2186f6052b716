"""The contract of the kernels: which there are, and what each one takes and returns.

A kernel is a function of arrays (channels first, ``(N, C, *S)``) and keyword attributes, complete and already
checked by the table of operations; it never changes its arguments. A backend has one module per family, of the
same name in every backend, with a literal ``KERNELS`` from the name below to the function. ``g`` is the gradient
of the result, ``y`` the result itself.

Attributes: ``stride``, ``dilation``, ``kernel``, ``factor`` are tuples, one number per spatial axis; ``padding``
is a tuple of ``(low, high)`` per spatial axis; ``axes`` is a tuple of axes counted from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

#: An array of a backend: NumPy's on the processor, another library's elsewhere.
Array: TypeAlias = Any
Shape: TypeAlias = tuple[int, ...]
Kernel: TypeAlias = Callable[..., Any]
KernelTable: TypeAlias = Mapping[str, Kernel]

#: family -> kernel -> signature. A result in brackets is a tuple; what follows the first is kept for the derivative.
CONTRACT: Final[dict[str, dict[str, str]]] = {
    "elementwise": {
        "relu": "x -> y",
        "relu_backward": "g, x, y -> gradient of x",
        "leaky_relu": "x, alpha -> y",
        "leaky_relu_backward": "g, x, y, alpha -> gradient of x",
        "elu": "x, alpha -> y",
        "elu_backward": "g, x, y, alpha -> gradient of x",
        "sigmoid": "x -> y",
        "sigmoid_backward": "g, x, y -> gradient of x",
        "tanh": "x -> y",
        "tanh_backward": "g, x, y -> gradient of x",
        "softplus": "x -> y = log(1 + exp(x))",
        "softplus_backward": "g, x, y -> gradient of x",
        "silu": "x -> y = x * sigmoid(x)",
        "silu_backward": "g, x, y -> gradient of x",
        "gelu": "x -> y = x * (1 + erf(x / sqrt(2))) / 2",
        "gelu_backward": "g, x, y -> gradient of x",
        "exp": "x -> y",
        "log": "x -> y",
        "sqrt": "x -> y",
        "abs": "x -> y",
        "negate": "x -> y",
        "sign": "x -> -1, 0 or 1 in the dtype of x",
    },
    "arithmetic": {
        "add": "a, b -> y, shapes broadcast; so all of this family",
        "subtract": "a, b -> y",
        "multiply": "a, b -> y",
        "divide": "a, b -> y",
        "power": "a, b -> y",
        "maximum": "a, b -> y",
        "minimum": "a, b -> y",
        "equal": "a, b -> bool",
        "not_equal": "a, b -> bool",
        "less": "a, b -> bool",
        "less_equal": "a, b -> bool",
        "greater": "a, b -> bool",
        "greater_equal": "a, b -> bool",
        "where": "condition, a, b -> y",
        "cast": "x, dtype -> y",
    },
    "reduction": {
        "sum": "x, axes, keepdims -> y",
        "mean": "x, axes, keepdims -> y",
        "max": "x, axes, keepdims -> y",
        "min": "x, axes, keepdims -> y",
        "argmax": "x, axis -> int64 index of the first largest",
        "sum_to": "x, shape -> x summed over the axes along which `shape` was broadcast",
    },
    "softmax": {
        "softmax": "x, axis -> y",
        "softmax_backward": "g, y, axis -> gradient of x",
        "log_softmax": "x, axis -> y",
        "log_softmax_backward": "g, y, axis -> gradient of x",
    },
    "shape": {
        "reshape": "x, shape -> y",
        "transpose": "x, axes -> y",
        "broadcast_to": "x, shape -> y",
        "concatenate": "*xs, axis -> y",
        "slice": "x, axes, starts, stops, steps -> y",
        "slice_backward": "g, shape, axes, starts, stops, steps -> gradient of x",
        "pad": "x, padding ((low, high) of the last axes), value -> y",
        "take": "x, index (anything that indexes a NumPy array) -> y",
        "take_backward": "g, shape, index -> gradient of x, repeated elements summed",
    },
    "linear": {
        "linear": "x (N, I), weight (O, I), bias (O) or None -> (N, O)",
        "linear_backward_data": "g (N, O), weight -> (N, I)",
        "linear_backward_weights": "g (N, O), x (N, I) -> (O, I)",
        "matmul": "a (..., M, K), b (..., K, L) -> (..., M, L)",
    },
    "convolution": {
        "convolution": "x (N, C, *S), weight (O, C/groups, *K), bias (O) or None, *window -> y; "
        "*window: stride, padding, dilation, groups",
        "convolution_backward_data": "g (N, O, *T), weight, shape of x, *window -> gradient of x",
        "convolution_backward_weights": "g (N, O, *T), x, shape of weight, *window -> gradient of weight",
        "bias_add": "x (N, C, *S), bias (C) -> y",
        "bias_backward": "g (N, C, *S) -> (C)",
    },
    "pooling": {
        "max_pool": "x (N, C, *S), kernel, stride, padding -> [y, int32 offset of each maximum within S flattened]",
        "max_pool_backward": "g, offsets, shape of x -> gradient of x",
        "average_pool": "x (N, C, *S), kernel, stride, padding, count_include_pad -> y",
        "average_pool_backward": "g, shape of x, kernel, stride, padding, count_include_pad -> gradient of x",
        "global_average_pool": "x (N, C, *S) -> (N, C)",
        "global_average_pool_backward": "g (N, C), shape of x -> gradient of x",
    },
    "normalisation": {
        "batch_norm": "x, scale, shift, mean, variance (all C), epsilon -> y",
        "batch_norm_backward": "g, x, scale, mean, variance, epsilon -> [gradients of x, scale, shift]",
        "batch_norm_training": "x, scale, shift, epsilon -> [y, batch mean, biased batch variance]",
        "batch_norm_training_backward": "g, x, scale, batch mean, biased batch variance, epsilon -> "
        "[gradients of x, scale, shift]",
    },
    "resize": {
        "upsample": "x (N, C, *S), factor, mode -> y",
        "upsample_backward": "g, shape of x, factor, mode -> gradient of x",
    },
    "random": {
        "dropout": "x, rate, key (seed, node, step) -> [y, bool mask of what was kept]",
        "dropout_backward": "g, mask, rate -> gradient of x",
    },
    "loss": {
        "softmax_cross_entropy": "logits (N, C, *S), target, weight (N) or None -> [scalar, softmax]",
        "softmax_cross_entropy_backward": "g (scalar), softmax, target, weight -> gradient of logits",
        "binary_cross_entropy": "logits, target, weight -> scalar",
        "binary_cross_entropy_backward": "g, logits, target, weight -> gradient of logits",
        "dice_loss": "probabilities (N, C, *S), target, weight, smooth -> scalar",
        "dice_loss_backward": "g, probabilities, target, weight, smooth -> gradient of probabilities",
        "mean_squared_error": "prediction, target, weight -> scalar",
        "mean_squared_error_backward": "g, prediction, target, weight -> gradient of prediction",
    },
}


def family_of(kernel: str) -> str:
    """Return the family a kernel belongs to."""
    return _FAMILY[kernel]


_FAMILY: Final = {kernel: family for family, kernels in CONTRACT.items() for kernel in kernels}


def sample_weights(weight: Array | None, samples: int, dtype: npt.DTypeLike) -> Array:
    """Return what each sample contributes to a mean: weights that add up to 1, or all 0 when nothing counts.

    This is the one definition of a weighted mean of losses; a batch of padding alone has loss 0 and no gradient.
    """
    if weight is None:
        return np.full(samples, 1 / samples, dtype)
    total = weight.sum(dtype=np.float64)
    share = weight / total if total != 0 else np.zeros_like(weight, dtype=np.float64)
    return np.asarray(share, dtype)

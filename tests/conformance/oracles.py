"""What operations should return, written as plainly as can be: loops over single elements in float64, or SciPy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special

Array = np.ndarray[Any, Any]


def _inside(position: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return all(0 <= p < s for p, s in zip(position, shape, strict=True))


def _meetings(
    attributes: dict[str, Any], kernel: tuple[int, ...], output: tuple[int, ...]
) -> Iterator[Any]:
    """Every (position of the output, offset of the kernel, element of the input that they meet)."""
    rank = len(kernel)
    stride, padding = attributes["stride"], attributes["padding"]
    dilation = attributes.get("dilation", (1,) * rank)
    for t in np.ndindex(output):
        for k in np.ndindex(kernel):
            yield (
                t,
                k,
                tuple(t[i] * stride[i] + k[i] * dilation[i] - padding[i][0] for i in range(rank)),
            )


def convolution(x: Array, weight: Array, bias: Array | None = None, **attributes: Any) -> Array:
    groups, kernel = attributes["groups"], weight.shape[2:]
    output = tuple(
        (size + sum(pad) - d * (k - 1) - 1) // s + 1
        for size, k, s, pad, d in zip(
            x.shape[2:],
            kernel,
            attributes["stride"],
            attributes["padding"],
            attributes["dilation"],
            strict=True,
        )
    )
    y = np.zeros((len(x), len(weight), *output))
    ins, outs = weight.shape[1], len(weight) // groups
    meetings = [m for m in _meetings(attributes, kernel, output) if _inside(m[2], x.shape[2:])]
    for n, o, c in itertools.product(range(len(x)), range(len(weight)), range(ins)):
        channel = (o // outs) * ins + c
        for t, k, s in meetings:
            y[n, o, *t] += weight[o, c, *k] * x[n, channel, *s]
    return y if bias is None else y + bias.reshape(1, -1, *(1,) * len(kernel))


def convolution_transpose(
    x: Array, weight: Array, bias: Array | None = None, **attributes: Any
) -> Array:
    groups, kernel, outs = attributes["groups"], weight.shape[2:], weight.shape[1]
    names = ("stride", "padding", "dilation", "output_padding")
    output = tuple(
        (size - 1) * s - sum(pad) + d * (k - 1) + 1 + extra
        for size, k, s, pad, d, extra in zip(
            x.shape[2:], kernel, *(attributes[name] for name in names), strict=True
        )
    )
    y = np.zeros((len(x), outs * groups, *output))
    meetings = [m for m in _meetings(attributes, kernel, x.shape[2:]) if _inside(m[2], output)]
    for n, c, o in itertools.product(range(len(x)), range(len(weight)), range(outs)):
        channel = c // (len(weight) // groups) * outs + o
        for t, k, s in meetings:
            y[n, channel, *s] += weight[c, o, *k] * x[n, c, *t]
    return y if bias is None else y + bias.reshape(1, -1, *(1,) * len(kernel))


def _pool(x: Array, attributes: dict[str, Any], reduce: Any) -> Array:
    kernel = attributes["kernel"]
    output = tuple(
        (size + sum(pad) - k) // s + 1
        for size, k, s, pad in zip(
            x.shape[2:], kernel, attributes["stride"], attributes["padding"], strict=True
        )
    )
    y = np.zeros((*x.shape[:2], *output))
    for n, c in np.ndindex(x.shape[:2]):
        seen: dict[tuple[int, ...], list[float]] = {}
        for t, _, s in _meetings(attributes, kernel, output):
            if _inside(s, x.shape[2:]):
                seen.setdefault(t, []).append(x[n, c, *s])
        for t, values in seen.items():
            y[n, c, *t] = reduce(values)
    return y


def max_pool(x: Array, **attributes: Any) -> Array:
    return _pool(x, attributes, max)


def average_pool(x: Array, **attributes: Any) -> Array:
    size = math.prod(attributes["kernel"])
    return _pool(
        x, attributes, lambda v: sum(v) / (size if attributes["count_include_pad"] else len(v))
    )


def global_average_pool(x: Array) -> Array:
    return np.array([[np.sum(channel) / channel.size for channel in sample] for sample in x])


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    y = np.zeros((len(x), len(weight)))
    for n, o, i in np.ndindex(len(x), *weight.shape):
        y[n, o] += x[n, i] * weight[o, i]
    return y if bias is None else y + bias


def batch_norm(
    x: Array, scale: Array, shift: Array, mean: Array, variance: Array, *, epsilon: float
) -> Array:
    y = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        c = index[1]
        y[index] = (x[index] - mean[c]) / math.sqrt(variance[c] + epsilon) * scale[c] + shift[c]
    return y


def batch_norm_training(
    x: Array,
    scale: Array,
    shift: Array,
    _mean: Array,
    _variance: Array,
    *,
    epsilon: float,
    **_: Any,
) -> Array:
    channels = [x[:, c].ravel() for c in range(x.shape[1])]
    mean = np.array([math.fsum(channel) / channel.size for channel in channels])
    variance = np.array(
        [
            math.fsum((channel - m) ** 2) / channel.size
            for channel, m in zip(channels, mean, strict=True)
        ]
    )
    return batch_norm(x, scale, shift, mean, variance, epsilon=epsilon)


def softmax(x: Array, *, axis: int) -> Array:
    return special.softmax(x, axis=axis)


def log_softmax(x: Array, *, axis: int) -> Array:
    return special.log_softmax(x, axis=axis)


def upsample(x: Array, *, factor: tuple[int, ...], mode: str) -> Array:
    shape = tuple(extent * f for extent, f in zip(x.shape[2:], factor, strict=True))
    y = np.zeros((*x.shape[:2], *shape))
    for t in np.ndindex(shape):
        if mode == "nearest":
            y[:, :, *t] = x[:, :, *(p // f for p, f in zip(t, factor, strict=True))]
            continue
        # Each new element is the sum over the corners of the cell of old centres that it lies in.
        sources = [
            min(max((p + 0.5) / f - 0.5, 0.0), extent - 1.0)
            for p, f, extent in zip(t, factor, x.shape[2:], strict=True)
        ]
        for corner in itertools.product((0, 1), repeat=len(sources)):
            share, place = 1.0, []
            for side, source, extent in zip(corner, sources, x.shape[2:], strict=True):
                low = math.floor(source)
                share *= source - low if side else 1 - (source - low)
                place.append(min(low + side, extent - 1))
            y[:, :, *t] += share * x[:, :, *place]
    return y


def _weighted(losses: list[float], weight: Array | None) -> Array:
    weights = [1.0] * len(losses) if weight is None else list(weight)
    total = sum(weights)
    return np.array(
        sum(w * loss for w, loss in zip(weights, losses, strict=True)) / total if total else 0.0
    )


def softmax_cross_entropy(logits: Array, target: Array, weight: Array | None = None) -> Array:
    logarithms = special.log_softmax(logits, axis=1)
    losses = [-np.sum(t * row) / row[0].size for row, t in zip(logarithms, target, strict=True)]
    return _weighted(losses, weight)


def binary_cross_entropy(logits: Array, target: Array, weight: Array | None = None) -> Array:
    p = special.expit(logits)
    parts = -(special.xlogy(target, p) + special.xlogy(1 - target, special.expit(-logits)))
    return _weighted([float(np.mean(part)) for part in parts], weight)


def dice_loss(
    p: Array, target: Array, weight: Array | None = None, *, smooth: float = 1.0
) -> Array:
    losses = []
    for sample, wanted in zip(p, target, strict=True):
        scores = [
            (2 * np.sum(a * b) + smooth) / (np.sum(a) + np.sum(b) + smooth)
            for a, b in zip(sample, wanted, strict=True)
        ]
        losses.append(1 - sum(scores) / len(scores))
    return _weighted(losses, weight)


def mean_squared_error(prediction: Array, target: Array, weight: Array | None = None) -> Array:
    return _weighted(
        [float(np.mean((a - b) ** 2)) for a, b in zip(prediction, target, strict=True)], weight
    )


def leaky_relu(x: Array, *, alpha: float) -> Array:
    return np.array([v if v > 0 else alpha * v for v in x.ravel()]).reshape(x.shape)


def elu(x: Array, *, alpha: float) -> Array:
    return np.array([v if v > 0 else alpha * (math.exp(v) - 1) for v in x.ravel()]).reshape(x.shape)


def _each(function: Any) -> Any:
    return lambda x: np.array([function(float(v)) for v in x.ravel()]).reshape(x.shape)


relu = _each(lambda v: max(v, 0.0))
sigmoid = _each(lambda v: 1 / (1 + math.exp(-v)))
tanh = _each(lambda v: (math.exp(2 * v) - 1) / (math.exp(2 * v) + 1))
softplus = _each(lambda v: math.log(1 + math.exp(v)))
silu = _each(lambda v: v / (1 + math.exp(-v)))
gelu = _each(lambda v: v * (1 + math.erf(v / math.sqrt(2))) / 2)

"""A graph of operations run by PyTorch: a second, independent reading of what each operation means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from dhcore._ops.graph import Graph, Node

torch = pytest.importorskip("torch")
F = torch.nn.functional

Arrays = Mapping[str, np.ndarray]


def _padded(x: Any, padding: tuple[tuple[int, int], ...], value: float = 0.0) -> Any:
    flat = [side for pair in reversed(padding) for side in pair]
    return F.pad(x, flat, value=value) if any(flat) else x


def _convolution(a: dict[str, Any], x: Any, weight: Any, bias: Any = None) -> Any:
    rule = (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3]
    x = _padded(x, a["padding"])
    return rule(x, weight, bias, a["stride"], 0, a["dilation"], a["groups"])


def _convolution_transpose(a: dict[str, Any], x: Any, weight: Any, bias: Any = None) -> Any:
    rule = (F.conv_transpose2d, F.conv_transpose3d)[x.ndim - 4]
    padding = [low for low, high in a["padding"] if low == high]
    return rule(
        x, weight, bias, a["stride"], padding, a["output_padding"], a["groups"], a["dilation"]
    )


def _max_pool(a: dict[str, Any], x: Any) -> Any:
    rule = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.ndim - 3]
    return rule(_padded(x, a["padding"], -torch.inf), a["kernel"], a["stride"])


def _average_pool(a: dict[str, Any], x: Any) -> Any:
    rule = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.ndim - 3]
    low = [pair[0] for pair in a["padding"]]
    return rule(x, a["kernel"], a["stride"], low, count_include_pad=a["count_include_pad"])


def _batch_norm(a: dict[str, Any], x: Any, scale: Any, shift: Any, mean: Any, variance: Any) -> Any:
    return F.batch_norm(x, mean, variance, scale, shift, True, a["momentum"], a["epsilon"])


def _upsample(a: dict[str, Any], x: Any) -> Any:
    modes = {"nearest": "nearest", "linear": "bilinear"}
    align = None if a["mode"] == "nearest" else False
    return F.interpolate(x, scale_factor=a["factor"], mode=modes[a["mode"]], align_corners=align)


def _weighted(losses: Any, weight: Any) -> Any:
    each = losses.reshape(len(losses), -1).mean(dim=1)
    return (each * weight).sum() / weight.sum()


def _cross_entropy(_a: dict[str, Any], x: Any, target: Any, weight: Any) -> Any:
    return _weighted(F.cross_entropy(x, target, reduction="none"), weight)


def _binary_cross_entropy(_a: dict[str, Any], x: Any, target: Any, weight: Any) -> Any:
    losses = F.binary_cross_entropy_with_logits(x, target, reduction="none")
    return _weighted(losses, weight)


def _dice(a: dict[str, Any], p: Any, target: Any, weight: Any) -> Any:
    axes = tuple(range(2, p.ndim))
    shared, total = (p * target).sum(axes), p.sum(axes) + target.sum(axes)
    return _weighted(1 - (2 * shared + a["smooth"]) / (total + a["smooth"]), weight)


RULES: dict[str, Callable[..., Any]] = {
    "convolution": _convolution,
    "convolution_transpose": _convolution_transpose,
    "max_pool": _max_pool,
    "average_pool": _average_pool,
    "global_average_pool": lambda _a, x: x.mean(dim=tuple(range(2, x.ndim))),
    "batch_norm": _batch_norm,
    "linear": lambda _a, x, weight, bias=None: F.linear(x, weight, bias),
    "relu": lambda _a, x: F.relu(x),
    "softmax": lambda a, x: F.softmax(x, a.get("axis", 1)),
    "sigmoid": lambda _a, x: torch.sigmoid(x),
    "reshape": lambda a, x: x.reshape(len(x), *a["shape"]),
    "concatenate": lambda a, *xs: torch.cat(xs, a["axis"]),
    "upsample": _upsample,
    "add": lambda _a, x, y: x + y,
    "scale": lambda a, x: x * a["factor"],
    "softmax_cross_entropy": _cross_entropy,
    "binary_cross_entropy": _binary_cross_entropy,
    "dice_loss": _dice,
}


class TorchGraph:
    """The graph with parameters and buffers of a precision."""

    def __init__(self, graph: Graph, weights: Arrays, dtype: Any) -> None:
        self.graph = graph
        self.dtype = dtype
        self.slots = {name: torch.tensor(weights[name], dtype=dtype) for name in graph.slots}
        for name, slot in graph.slots.items():
            self.slots[name].requires_grad_(slot.role == "parameter")

    def __call__(self, inputs: Arrays) -> dict[str, Any]:
        """Every output, in training."""
        values: list[Any] = []
        for node in self.graph.nodes:
            if node.op == "input":
                values.append(torch.tensor(inputs[node.name], dtype=self.dtype))
            else:
                values.append(self._value(node, values))
        return {name: values[index] for name, index in self.graph.outputs.items()}

    def _value(self, node: Node, values: list[Any]) -> Any:
        arguments = [*(values[i] for i in node.inputs), *(self.slots[name] for name in node.slots)]
        return RULES[node.op](dict(node.attributes), *arguments)

    def loss_and_gradient(self, inputs: Arrays) -> tuple[float, np.ndarray]:
        """The loss, and its gradient in the order of the parameters."""
        loss = self(inputs)["loss"]
        names = self.parameters()
        parts = torch.autograd.grad(loss, [self.slots[name] for name in names])
        flat = np.concatenate([part.double().numpy().ravel() for part in parts])
        return float(loss.detach()), flat

    def parameters(self) -> list[str]:
        """Names of the parameters in order."""
        return [name for name, slot in self.graph.slots.items() if slot.role == "parameter"]

    def flat(self, role: str = "parameter") -> np.ndarray:
        """All arrays of a role in order, in double precision."""
        arrays = [
            self.slots[name].detach().double().numpy().ravel()
            for name, slot in self.graph.slots.items()
            if slot.role == role
        ]
        return np.concatenate(arrays)

"""Graphs written by hand for the tests of the plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dhcore._ops.graph import Graph, Node, Slot
from dhcore._ops.table import infer_sample_shape


@dataclass
class Sketch:
    """A graph in the making; every method returns the index of the node it adds."""

    nodes: list[Node] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=lambda: {"parameter": 0, "buffer": 0})

    def input(self, name: str, shape: tuple[int, ...]) -> int:
        self.nodes.append(Node("input", (), (), shape, {}, name))
        self.inputs[name] = len(self.nodes) - 1
        return len(self.nodes) - 1

    def slot(
        self, name: str, shape: tuple[int, ...], role: Any = "parameter", **flags: bool
    ) -> str:
        if name not in self.slots:
            slot = Slot(name, shape, role, self.sizes[role], **flags)
            self.slots[name] = slot
            self.sizes[role] += slot.size
        return name

    def apply(
        self, op: str, *inputs: int, slots: tuple[str, ...] = (), name: str = "", **attributes: Any
    ) -> int:
        shapes = [self.nodes[i].shape for i in inputs]
        shape = infer_sample_shape(op, shapes, [self.slots[s].shape for s in slots], attributes)
        self.nodes.append(
            Node(op, inputs, slots, shape, attributes, name or f"{op}{len(self.nodes)}")
        )
        return len(self.nodes) - 1

    def convolution(
        self,
        x: int,
        outputs: int,
        kernel: int | tuple[int, ...] = 3,
        *,
        stride: Any = 1,
        padding: Any = None,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        name: str = "",
    ) -> int:
        name = name or f"convolution{len(self.nodes)}"
        channels, *space = self.nodes[x].shape
        window = (kernel,) * len(space) if isinstance(kernel, int) else kernel
        pad = tuple(k // 2 for k in window) if padding is None else padding
        slots = [self.slot(f"{name}.weight", (outputs, channels // groups, *window))]
        if bias:
            slots.append(self.slot(f"{name}.bias", (outputs,), decay=False))
        return self.apply(
            "convolution",
            x,
            slots=tuple(slots),
            name=name,
            stride=stride,
            padding=pad,
            dilation=dilation,
            groups=groups,
        )

    def pointwise(self, x: int, outputs: int, *, bias: bool = True) -> int:
        return self.convolution(x, outputs, 1, padding=0, bias=bias)

    def transposed(
        self,
        x: int,
        outputs: int,
        kernel: int,
        *,
        stride: int,
        padding: int = 0,
        output_padding: int = 0,
        bias: bool = True,
    ) -> int:
        name = f"transposed{len(self.nodes)}"
        channels, *space = self.nodes[x].shape
        slots = [self.slot(f"{name}.weight", (channels, outputs, *(kernel,) * len(space)))]
        if bias:
            slots.append(self.slot(f"{name}.bias", (outputs,), decay=False))
        return self.apply(
            "convolution_transpose",
            x,
            slots=tuple(slots),
            name=name,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
        )

    def batch_norm(self, x: int, *, name: str = "", momentum: float = 0.1) -> int:
        name, channels = name or f"batch_norm{len(self.nodes)}", self.nodes[x].shape[:1]
        slots = (
            self.slot(f"{name}.scale", channels, decay=False),
            self.slot(f"{name}.shift", channels, decay=False),
            self.slot(f"{name}.mean", channels, "buffer"),
            self.slot(f"{name}.variance", channels, "buffer"),
        )
        return self.apply("batch_norm", x, slots=slots, name=name, momentum=momentum)

    def linear(self, x: int, outputs: int, *, bias: bool = True, name: str = "") -> int:
        name = name or f"linear{len(self.nodes)}"
        slots = [self.slot(f"{name}.weight", (outputs, self.nodes[x].shape[0]))]
        if bias:
            slots.append(self.slot(f"{name}.bias", (outputs,), decay=False))
        return self.apply("linear", x, slots=tuple(slots), name=name)

    def relu(self, x: int) -> int:
        return self.apply("relu", x)

    def flatten(self, x: int) -> int:
        return self.apply("reshape", x, shape=(int(np.prod(self.nodes[x].shape)),))

    def loss(self, op: str, x: int, **attributes: Any) -> int:
        self.outputs["prediction"] = x
        target = self.input("target", self.nodes[x].shape)
        weight = self.input("weight", ())
        self.outputs["loss"] = self.apply(op, x, target, weight, name="loss", **attributes)
        return self.outputs["loss"]

    def graph(self) -> Graph:
        return Graph(tuple(self.nodes), self.inputs, self.outputs, self.slots)


def residual_network(
    size: int, *, classes: int = 10, width: int = 64, blocks: tuple[int, ...] = (2, 2, 2, 2)
) -> Graph:
    """ResNet-18 (He et al., 2016) for images of 3 channels."""
    s = Sketch()
    x = s.input("x", (3, size, size))
    x = s.relu(s.batch_norm(s.convolution(x, width, 7, stride=2, bias=False)))
    x = s.apply("max_pool", x, kernel=3, stride=2, padding=1)
    for stage, count in enumerate(blocks):
        for block in range(count):
            x = _residual_block(s, x, width * 2**stage, 2 if stage and not block else 1)
    x = s.linear(s.apply("global_average_pool", x), classes)
    s.loss("softmax_cross_entropy", x)
    return s.graph()


def _residual_block(s: Sketch, x: int, channels: int, stride: int) -> int:
    y = s.relu(s.batch_norm(s.convolution(x, channels, 3, stride=stride, bias=False)))
    y = s.batch_norm(s.convolution(y, channels, 3, bias=False))
    if stride != 1 or s.nodes[x].shape[0] != channels:
        x = s.batch_norm(s.convolution(x, channels, 1, stride=stride, padding=0, bias=False))
    return s.relu(s.apply("add", y, x))


def u_network(
    size: int, *, base: int = 32, levels: int = 4, classes: int = 2, channels: int = 3
) -> Graph:
    """U-Net (Ronneberger et al., 2015) with batch normalisation and padded convolutions."""
    s = Sketch()
    x = s.input("x", (channels, size, size))
    kept = []
    for level in range(levels):
        x = _double(s, x, base * 2**level)
        kept.append(x)
        x = s.apply("max_pool", x, kernel=2, stride=2)
    x = _double(s, x, base * 2**levels)
    for level in reversed(range(levels)):
        x = s.transposed(x, base * 2**level, 2, stride=2)
        x = _double(s, s.apply("concatenate", kept[level], x, axis=1), base * 2**level)
    s.loss("softmax_cross_entropy", s.convolution(x, classes, 1, padding=0))
    return s.graph()


def _double(s: Sketch, x: int, channels: int) -> int:
    for _ in range(2):
        x = s.relu(s.batch_norm(s.convolution(x, channels, 3, bias=False)))
    return x


def state(graph: Graph, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Parameters drawn as He et al. do, scales near 1, running variances 1."""
    rng = np.random.default_rng(seed)
    flat = {
        "parameter": np.zeros(graph.flat_size("parameter"), np.float32),
        "buffer": np.zeros(graph.flat_size("buffer"), np.float32),
    }
    for slot in graph.slots.values():
        values = np.zeros(slot.shape)
        if slot.name.endswith("weight"):
            values = rng.normal(0, np.sqrt(2 / max(np.prod(slot.shape[1:]), 1)), slot.shape)
        elif slot.name.endswith("scale"):
            values = rng.uniform(0.5, 1.5, slot.shape)
        elif slot.name.endswith("variance"):
            values = np.ones(slot.shape)
        else:
            values = rng.normal(0, 0.1, slot.shape)
        flat[slot.role][slot.offset : slot.offset + slot.size] = values.reshape(-1)
    return flat["parameter"], flat["buffer"]


def batch(graph: Graph, rows: int, seed: int = 1, *, classes: bool = True) -> dict[str, np.ndarray]:
    """Inputs of a training graph: images, one-hot targets, weights."""
    rng = np.random.default_rng(seed)
    result: dict[str, np.ndarray] = {}
    for name, index in graph.inputs.items():
        shape = (rows, *graph.nodes[index].shape)
        if name == "target" and classes:
            labels = rng.integers(0, shape[1], (rows, *shape[2:]))
            result[name] = np.moveaxis(np.eye(shape[1]), -1, 0)[labels].astype(np.float32)
            result[name] = np.ascontiguousarray(np.moveaxis(result[name], -1, 1))
        elif name == "target":
            result[name] = rng.uniform(0, 1, shape).astype(np.float32)
        elif name == "weight":
            result[name] = rng.uniform(0.5, 2.0, rows).astype(np.float32)
        else:
            result[name] = rng.normal(size=shape).astype(np.float32)
    return result

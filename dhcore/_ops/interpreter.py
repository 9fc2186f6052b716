"""The meaning of a graph: its nodes computed one after the other, and back again.

Nothing is fused, planned or reused here. What is fast must agree with this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from dhcore._backends.base import Array
from dhcore._backends.registry import Kernels, kernels
from dhcore._ops.graph import Graph, Node
from dhcore._ops.operation import Call
from dhcore._ops.table import evaluate, filled, operation
from dhcore.device import Device, as_device
from dhcore.errors import GraphError, ShapeError

#: Name of the output that gradients are taken of.
LOSS: Final = "loss"


@final
@dataclass(frozen=True, slots=True)
class Run:
    """What came out of a graph."""

    #: Every named output.
    outputs: Mapping[str, Array]
    #: Every buffer of the graph, with its new value where the pass has updated it.
    buffers: Mapping[str, Array]
    #: Gradient of the loss with respect to every parameter; empty when none was asked for.
    gradients: Mapping[str, Array]


def run(
    graph: Graph,
    inputs: Mapping[str, Array],
    slots: Mapping[str, Array],
    device: Device | str = "reference",
    *,
    training: bool = False,
    seed: int = 0,
    step: int = 0,
    gradients: bool | None = None,
) -> Run:
    """Compute the outputs of a graph, and the gradient of its loss.

    Args:
        graph: What to compute.
        inputs: An array (N, *shape) for each input; those that no output needs may be missing.
        slots: An array for each parameter and buffer, of the dtype to compute in.
        device: Where.
        training: Whether batch_norm and dropout behave as in training.
        seed: Seed of the run: names the random numbers, with the index of the node and the step.
        step: Number of the step.
        gradients: Whether to compute gradients; by default when there is an output ``"loss"``.

    Raises:
        GraphError: An input or slot is missing, or there is no loss to take the gradient of.
        ShapeError: An array does not have the shape its node or slot declares.
    """
    wanted = LOSS in graph.outputs if gradients is None else gradients
    if wanted and LOSS not in graph.outputs:
        raise GraphError(
            f"expected an output {LOSS!r} to take the gradient of; found {sorted(graph.outputs)!r}"
        )
    kernel = kernels(as_device(device))
    arrays = _checked_slots(graph, slots)
    values, calls = _forward(
        graph, kernel, inputs, arrays, training=training, seed=seed, step=step, grad=wanted
    )
    buffers = {name: arrays[name] for name, slot in graph.slots.items() if slot.role == "buffer"}
    for index, call in calls.items():
        sources = _sources(graph.nodes[index])
        buffers |= {str(sources[position]): value for position, value in call.updates.items()}
    return Run(
        outputs={name: values[index] for name, index in graph.outputs.items()},
        buffers=buffers,
        gradients=_backward(graph, kernel, calls, arrays) if wanted else {},
    )


def _sources(node: Node) -> tuple[int | str, ...]:
    """What a node reads, in the order of its arguments: indices of nodes, names of slots."""
    return (*node.inputs, *node.slots)


def _checked_slots(graph: Graph, slots: Mapping[str, Array]) -> dict[str, Array]:
    missing = sorted(set(graph.slots) - set(slots))
    if missing:
        raise GraphError(f"expected an array for each slot; found none for {missing!r}")
    for name, slot in graph.slots.items():
        if tuple(slots[name].shape) != slot.shape:
            raise ShapeError(name, f"an array of shape {slot.shape}", str(tuple(slots[name].shape)))
    return {name: slots[name] for name in graph.slots}


def _needed(graph: Graph) -> list[int]:
    """Indices of the nodes that some output needs, in order."""
    needed = set(graph.outputs.values())
    for index in range(len(graph.nodes) - 1, -1, -1):
        if index in needed:
            needed.update(graph.nodes[index].inputs)
    return sorted(needed)


def _input(node: Node, inputs: Mapping[str, Array], names: Mapping[int, str], index: int) -> Array:
    name = names[index]
    if name not in inputs:
        raise GraphError(
            f"expected an array for the input {name!r}; found arrays for {sorted(inputs)!r}"
        )
    array = inputs[name]
    if tuple(array.shape[1:]) != node.shape or array.ndim == 0:
        raise ShapeError(
            f"input {name!r}",
            f"an array of shape (N, {', '.join(map(str, node.shape))})",
            str(array.shape),
        )
    return array


def _carrying(graph: Graph) -> Sequence[bool]:
    """Whether each node depends on a parameter."""
    carrying: list[bool] = []
    for node in graph.nodes:
        own = any(graph.slots[name].role == "parameter" for name in node.slots)
        carrying.append(own or any(carrying[index] for index in node.inputs))
    return carrying


def _forward(
    graph: Graph,
    kernel: Kernels,
    inputs: Mapping[str, Array],
    slots: Mapping[str, Array],
    *,
    training: bool,
    seed: int,
    step: int,
    grad: bool,
) -> tuple[dict[int, Array], dict[int, Call]]:
    values: dict[int, Array] = {}
    calls: dict[int, Call] = {}
    names = {index: name for name, index in graph.inputs.items()}
    carrying = _carrying(graph)
    batch = 0
    for index in _needed(graph):
        node = graph.nodes[index]
        if node.op == "input":
            values[index] = _input(node, inputs, names, index)
            batch = batch or len(values[index])
            continue
        row = operation(node.op)
        sources = _sources(node)
        arrays = [
            values[source] if isinstance(source, int) else slots[source] for source in sources
        ]
        needs = [
            grad
            and (
                carrying[source]
                if isinstance(source, int)
                else graph.slots[source].role == "parameter"
            )
            for source in sources
        ]
        try:
            call = evaluate(
                row,
                kernel,
                filled(row, arrays),
                row.lower(node.attributes, batch),
                needs=(*needs, *(False,) * (len(row.arguments) - len(needs))),
                training=training,
                key=(seed, index, step),
            )
        except ShapeError as error:
            raise error.within(node.name) from None
        values[index], calls[index] = call.output, call
    return values, calls


def _backward(
    graph: Graph, kernel: Kernels, calls: Mapping[int, Call], slots: Mapping[str, Array]
) -> dict[str, Array]:
    loss = calls[graph.outputs[LOSS]].output
    if loss.shape != ():
        raise ShapeError(
            f"output {LOSS!r}", "a scalar", str(loss.shape), "end the graph with a loss"
        )
    arrived: dict[int | str, Array] = {graph.outputs[LOSS]: np.ones((), loss.dtype)}
    for index in sorted(calls, reverse=True):
        if index not in arrived:
            continue
        call = calls[index]
        if not any(call.needs):
            continue
        parts = call.backward(arrived.pop(index))
        for source, part, needed in zip(
            _sources(graph.nodes[index]), parts, call.needs, strict=False
        ):
            if needed:
                before = arrived.get(source)
                arrived[source] = part if before is None else kernel("add", before, part)
    return {
        name: arrived[name] if name in arrived else np.zeros_like(slots[name])
        for name, slot in graph.slots.items()
        if slot.role == "parameter"
    }

"""A model as data: which operation is applied to what, in order.

A graph is what layers compile to. Its nodes name operations of the table in :mod:`dhcore._ops`; the eager interpreter
gives it its meaning, the plan makes it fast for one batch size. Losses are nodes as well, so the gradient of a training
step is the derivative of one scalar output.

::

    x ─ convolution ─ batch_norm ─ relu ─ ... ─ softmax_cross_entropy ── loss (scalar)
            │ weight, bias   │ scale, shift, mean, variance     │
            parameters       parameters and buffers             target (an input)

Nodes stand in topological order: a node reads only nodes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, final

#: Gradients are taken with respect to ``parameter``s; a ``buffer`` is state that the forward pass itself updates.
Role = Literal["parameter", "buffer"]


@final
@dataclass(frozen=True, slots=True)
class Slot:
    """One named array of the model's state and where it lies in the flat arena of its role."""

    #: Layer and array, as in ``encoder1.convolution1.weight``.
    name: str
    shape: tuple[int, ...]
    role: Role
    #: First element within the flat float32 array of all slots of this role, canonical (C) order.
    offset: int
    #: A frozen parameter has a gradient that no optimizer applies.
    trainable: bool = True
    #: Weight decay skips biases and the parameters of normalisations.
    decay: bool = True

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for extent in self.shape:
            size *= extent
        return size


@final
@dataclass(frozen=True, slots=True)
class Node:
    """One application of an operation."""

    #: Name in the table of operations; ``input`` for a placeholder.
    op: str
    #: Indices of the nodes it reads, in the order of the operation's arguments.
    inputs: tuple[int, ...]
    #: Names of the slots it reads after its inputs, in the order of the operation's arguments.
    slots: tuple[str, ...]
    #: Shape of one sample, without the batch; ``()`` for a loss, which is one scalar for the whole batch.
    shape: tuple[int, ...]
    #: Static attributes of the operation: stride, padding, rate, axis ...
    attributes: Mapping[str, object] = field(default_factory=dict)
    #: Name of the layer that made it (of the input, for a placeholder).
    name: str = ""


@final
@dataclass(frozen=True, slots=True)
class Graph:
    """Operations in order, with their state and what goes in and out."""

    nodes: tuple[Node, ...]
    #: Index of the ``input`` node of each named input.
    inputs: Mapping[str, int]
    #: Index of the node of each named output.
    outputs: Mapping[str, int]
    slots: Mapping[str, Slot]

    def flat_size(self, role: Role) -> int:
        """Number of elements of the flat arena of a role."""
        return sum(slot.size for slot in self.slots.values() if slot.role == role)

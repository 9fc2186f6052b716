"""From groups of nodes to steps: one function an operation, in one table.

A lowering returns whether it could: ``False`` (nothing emitted) sends the nodes to the generic step, which runs the
kernels of the table of operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dhcore._plan.builder import Builder
from dhcore._plan.fusion import Group
from dhcore._plan.lowering.convolution import convolution
from dhcore._plan.lowering.elementwise import activation, add, dropout, relu, softmax
from dhcore._plan.lowering.generic import generic
from dhcore._plan.lowering.linear import linear
from dhcore._plan.lowering.losses import loss
from dhcore._plan.lowering.normalisation import batch_norm
from dhcore._plan.lowering.pooling import global_average_pool, pool
from dhcore._plan.lowering.shape import concatenate, reshape, upsample
from dhcore._plan.lowering.transposed import convolution_transpose

FAST: Final[dict[str, Callable[[Builder, Group], bool]]] = {
    "convolution": convolution,
    "convolution_transpose": convolution_transpose,
    "linear": linear,
    "batch_norm": batch_norm,
    "relu": relu,
    "sigmoid": activation,
    "tanh": activation,
    "add": add,
    "softmax": softmax,
    "dropout": dropout,
    "max_pool": pool,
    "average_pool": pool,
    "global_average_pool": global_average_pool,
    "concatenate": concatenate,
    "reshape": reshape,
    "upsample": upsample,
    "softmax_cross_entropy": loss,
    "binary_cross_entropy": loss,
    "dice_loss": loss,
    "mean_squared_error": loss,
}


def lower(builder: Builder, group: Group) -> None:
    """Emit the forward steps of a group and register its backward steps."""
    if not builder.portable:
        rule = FAST.get(group.first.op)
        if rule is not None and rule(builder, group):
            return
    parts = group.parts()
    for part in parts:
        if len(parts) > 1:
            lower(builder, part)
        else:
            generic(builder, part)

"""What an operation is: a row of the table.

A row says what shape and dtype come out (before anything is computed), which kernels compute the result and which
kernels compute the gradients. One application of it is a :class:`Call`: the eager tape and the graph interpreter
both keep calls and walk them backwards, so an operation is described once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, final

import numpy as np

from dhcore._backends.base import Array, Shape
from dhcore._backends.registry import Kernels
from dhcore.errors import GradientError, OperationError

Attributes: TypeAlias = Mapping[str, Any]
Shapes: TypeAlias = tuple[Shape | None, ...]
Dtype: TypeAlias = np.dtype[Any]
Gradients: TypeAlias = tuple[Array | None, ...]

#: An attribute that has no default.
REQUIRED: Final = object()


@final
@dataclass(slots=True)
class Call:
    """One application of an operation, with what its derivative needs."""

    operation: Operation
    kernels: Kernels
    #: Arguments in order; an optional one that was left out is None.
    inputs: tuple[Array | None, ...]
    #: Complete attributes.
    attributes: Attributes
    #: Which arguments a gradient is wanted for.
    needs: tuple[bool, ...]
    training: bool = False
    #: Seed, node and step: names the stream of random numbers.
    key: tuple[int, int, int] = (0, 0, 0)
    output: Array = None
    #: What the forward rule kept for the derivative.
    saved: tuple[Any, ...] = ()
    #: New values of arguments that the operation itself updates (buffers), by position.
    updates: dict[int, Array] = field(default_factory=dict)

    def forward(self) -> Array:
        """Compute, keep and return the output."""
        self.output = self.operation.forward(self)
        return self.output

    def backward(self, gradient: Array) -> Gradients:
        """Return the gradient of each argument (None where none is wanted), given that of the output."""
        rule = self.operation.backward
        if rule is None:
            raise GradientError(
                f"expected an operation with a derivative; found {self.operation.name!r}"
            )
        gradients = rule(self, gradient)
        for position, needed in enumerate(self.needs):
            if needed and gradients[position] is None:
                argument = self.operation.argument(position)
                message = f"{self.operation.name} has no derivative with respect to its {argument}"
                raise GradientError(f"{message}; detach it, or make it without requires_grad")
        return gradients


def same_named_kernel(call: Call) -> Array:
    """Forward rule of most operations: the kernel of the same name."""
    return call.kernels(call.operation.name, *call.inputs, **call.attributes)


def as_given(_shapes: Shapes, attributes: dict[str, Any]) -> dict[str, Any]:
    """Completion rule of most operations: nothing depends on the shapes."""
    return attributes


def without_batch(attributes: Attributes, _batch: int) -> Attributes:
    """Lowering rule of most operations: their attributes in a graph are the ones they compute with."""
    return attributes


@final
@dataclass(frozen=True, slots=True)
class Dtypes:
    """What the arguments are converted to (None: left alone), and what comes out."""

    arguments: tuple[Dtype | None, ...]
    result: Dtype


@final
@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table."""

    name: str
    #: Names of the arguments; the last ``optional`` of them may be left out.
    arguments: tuple[str, ...]
    #: Shape of the result; raises ShapeError. Shapes and attributes are complete, the batch included.
    shape: Callable[[Shapes, Attributes], Shape]
    dtype: Callable[[Sequence[Dtype | None]], Dtypes]
    #: Gradient of each argument; None where the operation has no derivative.
    backward: Callable[[Call, Array], Gradients] | None = None
    forward: Callable[[Call], Array] = same_named_kernel
    #: Default of each attribute.
    attributes: Attributes = field(default_factory=dict)
    #: Gives attributes their full form, as in one stride for each spatial axis.
    complete: Callable[[Shapes, dict[str, Any]], dict[str, Any]] = as_given
    #: From the attributes of a graph node, which do not know the batch, to those of the computation.
    lower: Callable[[Attributes, int], Attributes] = without_batch
    optional: int = 0
    #: Any number of arguments, one or more.
    variadic: bool = False
    onnx: str = ""
    #: The result is one number for the whole batch.
    is_loss: bool = False

    def argument(self, position: int) -> str:
        """Name of an argument."""
        return self.arguments[min(position, len(self.arguments) - 1)]

    def completed(self, shapes: Shapes, attributes: Attributes) -> dict[str, Any]:
        """Check attributes and fill in what was left out."""
        unknown = sorted(set(attributes) - set(self.attributes))
        merged = {**self.attributes, **attributes}
        missing = sorted(name for name, value in merged.items() if value is REQUIRED)
        if unknown or missing:
            wrong = f"unknown {unknown!r}" if unknown else f"nothing for {missing!r}"
            raise OperationError(
                f"{self.name}: expected the attributes {sorted(self.attributes)!r}; found {wrong}"
            )
        return self.complete(shapes, merged)

    def check_count(self, found: int) -> None:
        """Check the number of arguments."""
        least, most = len(self.arguments) - self.optional, len(self.arguments)
        if found < least or (found > most and not self.variadic):
            count = (
                f"{least} or more"
                if self.variadic
                else f"{least}"
                if least == most
                else f"{least} to {most}"
            )
            raise OperationError(
                f"{self.name}: expected {count} arguments {self.arguments!r}; found {found}"
            )

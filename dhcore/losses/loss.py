"""What a loss is: a weighted sum of operations of the table, as data.

A loss does not compute; it says which operations a training graph ends in. So the interpreter, the plan and the tape
share one definition, and the figure on every device is the mean over the samples, weighted by the samples' weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, final

from dhcore import _ops
from dhcore.errors import OperationError
from dhcore.tensor import Tensor

#: What turns a model's output into probabilities.
Activation = Literal["softmax", "sigmoid"]


@final
@dataclass(frozen=True, slots=True)
class Term:
    """One operation of a loss."""

    #: Name in the table; its arguments are prediction, target, weight.
    op: str
    #: What makes probabilities of the prediction that is given; None when the operation takes it as it is.
    activation: Activation | None = None
    #: Whether the operation applies the activation itself; otherwise a node before it does.
    is_fused: bool = False
    attributes: Mapping[str, object] = field(default_factory=dict)
    factor: float = 1.0


class Loss(ABC):
    """A figure to be made small. Losses add up and are multiplied by numbers: ``a + 0.5 * b``."""

    __slots__ = ()

    @abstractmethod
    def terms(self, channels: int) -> tuple[Term, ...]:
        """The operations for a prediction of that many channels."""

    def __call__(self, prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Compute the loss of a batch at once, recorded for gradients.

        Args:
            prediction: (samples, channels, *spatial).
            target: of the same shape.
            weight: (samples,); 1 by default.
        """
        parts = [
            _value(term, prediction, target, weight) for term in self.terms(prediction.shape[1])
        ]
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def __add__(self, other: Loss) -> Sum:
        return Sum(((1.0, self), (1.0, other)))

    def __mul__(self, factor: float) -> Sum:
        return Sum(((float(factor), self),))

    __rmul__ = __mul__


@final
@dataclass(frozen=True, slots=True)
class Sum(Loss):
    """Several losses of one output, each with its factor.

    >>> from dhcore import losses
    >>> both = losses.SoftmaxCrossEntropy() + 0.5 * losses.Dice()
    >>> [(term.op, term.factor) for term in both.terms(channels=2)]
    [('softmax_cross_entropy', 1.0), ('dice_loss', 0.5)]
    """

    parts: tuple[tuple[float, Loss], ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise OperationError("a sum of losses has at least one part, found none")

    def terms(self, channels: int) -> tuple[Term, ...]:
        """The operations of all parts."""
        return tuple(
            Term(term.op, term.activation, term.is_fused, term.attributes, term.factor * factor)
            for factor, part in self.parts
            for term in part.terms(channels)
        )


def _value(term: Term, prediction: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
    if term.activation is not None and not term.is_fused:
        prediction = _ops.apply(term.activation, prediction)
    arguments = (prediction, target) if weight is None else (prediction, target, weight)
    attributes: dict[str, Any] = dict(term.attributes)
    value: Tensor = _ops.apply(term.op, *arguments, **attributes)
    return value if term.factor == 1 else value * term.factor

"""The Dice loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, final, get_args

from dhcore.errors import OperationError
from dhcore.losses.loss import Activation, Loss, Term


@final
@dataclass(frozen=True, slots=True)
class Dice(Loss):
    """One minus the soft Dice coefficient, mean over samples and channels (Milletari et al., "V-Net", 2016).

    ``1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth)``, the sums over the positions of a sample and channel.

    Args:
        smooth: makes the coefficient of an empty channel that is predicted empty 1.
        activation: what makes probabilities of the model's output: ``"softmax"``, ``"sigmoid"``, None when they are
            probabilities already, or ``"auto"``: softmax for several channels and sigmoid for one, unless the model
            ends in one of them.

    >>> Dice().terms(channels=1)[0].activation
    'sigmoid'
    """

    smooth: float = 1.0
    activation: Activation | Literal["auto"] | None = "auto"

    def __post_init__(self) -> None:
        known = ("auto", *get_args(Activation), None)
        if self.activation not in known:
            raise OperationError(f"expected activation among {known}, found {self.activation!r}")

    def terms(self, channels: int) -> tuple[Term, ...]:
        """The one operation, after the activation."""
        natural: Activation = "softmax" if channels > 1 else "sigmoid"
        activation = natural if self.activation == "auto" else self.activation
        return (Term("dice_loss", activation, attributes={"smooth": self.smooth}),)

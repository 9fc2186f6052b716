"""Losses of predicted numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from dhcore.losses.loss import Loss, Term


@final
@dataclass(frozen=True, slots=True)
class MeanSquaredError(Loss):
    """``(x - t)**2``, mean over samples and elements.

    >>> from dhcore.tensor import Tensor
    >>> import numpy as np
    >>> float(MeanSquaredError()(Tensor(np.array([[1.0, 3.0]])), Tensor(np.zeros((1, 2)))).numpy())
    5.0
    """

    def terms(self, channels: int) -> tuple[Term, ...]:  # noqa: ARG002 - a loss is told the channels
        """The one operation."""
        return (Term("mean_squared_error"),)

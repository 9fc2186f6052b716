"""Losses: which operations a training graph ends in.

>>> by_name("dice")
Dice(smooth=1.0, activation='auto')
"""

from __future__ import annotations

from typing import Final

from dhcore.errors import OperationError
from dhcore.losses.classification import BinaryCrossEntropy, SoftmaxCrossEntropy
from dhcore.losses.loss import Activation, Loss, Sum, Term
from dhcore.losses.regression import MeanSquaredError
from dhcore.losses.segmentation import Dice

__all__ = [
    "Activation",
    "BinaryCrossEntropy",
    "Dice",
    "Loss",
    "MeanSquaredError",
    "SoftmaxCrossEntropy",
    "Sum",
    "Term",
    "by_name",
]

_KNOWN: Final[dict[str, Loss]] = {
    "binary_cross_entropy": BinaryCrossEntropy(),
    "dice": Dice(),
    "mean_squared_error": MeanSquaredError(),
    "softmax_cross_entropy": SoftmaxCrossEntropy(),
}


def by_name(name: str) -> Loss:
    """The loss of that name with its default figures.

    Args:
        name: ``"binary_cross_entropy"``, ``"dice"``, ``"mean_squared_error"`` or ``"softmax_cross_entropy"``.

    Raises:
        OperationError: no loss has that name; the message lists those there are.

    >>> by_name("softmax_cross_entropy")
    SoftmaxCrossEntropy()
    """
    if name not in _KNOWN:
        raise OperationError(f"expected a loss among {sorted(_KNOWN)}, found {name!r}")
    return _KNOWN[name]

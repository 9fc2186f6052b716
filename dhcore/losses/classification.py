"""Cross entropies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from dhcore.errors import OperationError
from dhcore.losses.loss import Loss, Term


@final
@dataclass(frozen=True, slots=True)
class SoftmaxCrossEntropy(Loss):
    """For classes that exclude each other: ``-sum_c t_c log softmax(x)_c``, mean over samples and positions.

    It reads logits; a model that ends in Softmax is trained on what stands before it.

    >>> from dhcore.tensor import Tensor
    >>> import numpy as np
    >>> loss = SoftmaxCrossEntropy()(Tensor(np.zeros((1, 4))), Tensor(np.eye(4)[:1]))
    >>> round(float(loss.numpy()), 4)
    1.3863
    """

    def terms(self, channels: int) -> tuple[Term, ...]:
        """The one operation."""
        if channels < 2:
            # The softmax of one channel is 1 whatever the model says: a loss of 0 that teaches nothing.
            raise OperationError(
                f"softmax_cross_entropy: expected a channel for each of 2 or more classes, found {channels}; "
                f"for one channel choose binary_cross_entropy"
            )
        return (Term("softmax_cross_entropy", "softmax", is_fused=True),)


@final
@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy(Loss):
    """For answers that do not exclude each other: ``-t log s(x) - (1 - t) log(1 - s(x))``, mean over all elements.

    s is the sigmoid. It reads logits; a model that ends in Sigmoid is trained on what stands before it.

    >>> from dhcore.tensor import Tensor
    >>> import numpy as np
    >>> loss = BinaryCrossEntropy()(Tensor(np.zeros((1, 1))), Tensor(np.ones((1, 1))))
    >>> round(float(loss.numpy()), 4)
    0.6931
    """

    def terms(self, channels: int) -> tuple[Term, ...]:  # noqa: ARG002 - a loss is told the channels
        """The one operation."""
        return (Term("binary_cross_entropy", "sigmoid", is_fused=True),)

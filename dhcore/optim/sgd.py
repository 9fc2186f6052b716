"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from dhcore.errors import OperationError
from dhcore.optim import _kernels
from dhcore.optim.optimizer import Flags, Floats, Optimizer, require


@final
@dataclass(frozen=True, slots=True)
class SGD(Optimizer):
    """Gradient descent with momentum, Nesterov's variant and weight decay.

    ::

        g = gradient + weight_decay * p
        v = momentum * v + g
        p = p - learning_rate * v                      (Nesterov: g + momentum * v)

    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.

    Args:
        learning_rate: a number or a schedule.
        momentum: share of the velocity that is kept, in [0, 1).
        nesterov: look ahead along the velocity.
        weight_decay: L2 penalty, on the parameters that decay.
        clip_norm: longest gradient that is applied as it is.

    >>> p, g = np.ones(2, np.float32), np.array([1.0, -2.0], np.float32)
    >>> SGD(0.5).update(p, g, {}, step=0)
    >>> p
    array([0.5, 2. ], dtype=float32)
    """

    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        Optimizer.__post_init__(self)
        require("weight_decay", self.weight_decay)
        if not 0 <= self.momentum < 1:
            raise OperationError(f"momentum lies in [0, 1), got {self.momentum!r}")
        if self.nesterov and self.momentum == 0:
            raise OperationError(
                "nesterov looks ahead along the momentum, which is 0; try momentum=0.9"
            )

    @property
    def slot_names(self) -> tuple[str, ...]:
        """The velocity, when there is momentum."""
        return ("velocity",) if self.momentum else ()

    def _apply(
        self,
        parameters: Floats,
        gradient: Floats,
        slots: Mapping[str, Floats],
        step: int,
        decay: Flags,
        trainable: Flags,
    ) -> None:
        rate, penalty = np.float32(self.rate(step)), np.float32(self.weight_decay)
        if not self.momentum:
            _kernels.descend(parameters, gradient, decay, trainable, rate, penalty)
            return
        momentum = np.float32(self.momentum)
        ahead = momentum if self.nesterov else np.float32(0)
        velocity = slots["velocity"]
        _kernels.descend_with_momentum(
            parameters, gradient, velocity, decay, trainable, rate, momentum, penalty, ahead
        )

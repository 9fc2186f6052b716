"""Adam and AdamW."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from dhcore.errors import OperationError
from dhcore.optim import _kernels
from dhcore.optim.optimizer import Flags, Floats, Optimizer, require


@dataclass(frozen=True, slots=True)
class _Moments(Optimizer):
    """What both rules share: two running moments and their correction."""

    learning_rate: float | Callable[[int], float] = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        Optimizer.__post_init__(self)
        require("weight_decay", self.weight_decay)
        require("epsilon", self.epsilon)
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise OperationError(f"{name} lies in [0, 1), got {getattr(self, name)!r}")

    @property
    def slot_names(self) -> tuple[str, ...]:
        """The running mean of the gradient and of its square."""
        return ("mean", "square")

    def _step(
        self,
        parameters: Floats,
        gradient: Floats,
        slots: Mapping[str, Floats],
        step: int,
        decay: Flags,
        trainable: Flags,
        *,
        penalty: float,
        shrink: float,
    ) -> None:
        figures = (
            self.rate(step) / (1 - self.beta1 ** (step + 1)),
            self.beta1,
            1 - self.beta1,
            self.beta2,
            1 - self.beta2,
            1 / math.sqrt(1 - self.beta2 ** (step + 1)),
            self.epsilon,
            penalty,
            shrink,
        )
        _kernels.adapt(
            parameters,
            gradient,
            slots["mean"],
            slots["square"],
            decay,
            trainable,
            *map(np.float32, figures),
        )


@final
@dataclass(frozen=True, slots=True)
class Adam(_Moments):
    """Adaptive moments; weight decay joins the gradient.

    ::

        g = gradient + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g * g
        p = p - learning_rate * m' / (sqrt(s') + epsilon)      m' = m / (1 - beta1**t), s' = s / (1 - beta2**t)

    Kingma and Ba, "Adam: A method for stochastic optimization", 2015.

    Args:
        learning_rate: a number or a schedule.
        beta1, beta2: share of the moments that is kept.
        epsilon: added to the root, not under it.
        weight_decay: L2 penalty, on the parameters that decay.
        clip_norm: longest gradient that is applied as it is.

    >>> rule, p = Adam(0.1), np.ones(1, np.float32)
    >>> rule.update(p, np.full(1, 5.0, np.float32), rule.slots(1), step=0)
    >>> p
    array([0.9], dtype=float32)
    """

    def _apply(
        self,
        parameters: Floats,
        gradient: Floats,
        slots: Mapping[str, Floats],
        step: int,
        decay: Flags,
        trainable: Flags,
    ) -> None:
        self._step(
            parameters,
            gradient,
            slots,
            step,
            decay,
            trainable,
            penalty=self.weight_decay,
            shrink=1.0,
        )


@final
@dataclass(frozen=True, slots=True)
class AdamW(_Moments):
    """Adam with decoupled weight decay: ``p = p * (1 - learning_rate * weight_decay)``, then Adam's step.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.

    Args:
        learning_rate: a number or a schedule.
        beta1, beta2: share of the moments that is kept.
        epsilon: added to the root, not under it.
        weight_decay: share of a weight that one step at learning rate 1 would remove.
        clip_norm: longest gradient that is applied as it is.

    >>> rule, p = AdamW(0.1, weight_decay=0.5), np.ones(1, np.float32)
    >>> rule.update(p, np.zeros(1, np.float32), rule.slots(1), step=0)
    >>> p
    array([0.95], dtype=float32)
    """

    weight_decay: float = 0.01

    def _apply(
        self,
        parameters: Floats,
        gradient: Floats,
        slots: Mapping[str, Floats],
        step: int,
        decay: Flags,
        trainable: Flags,
    ) -> None:
        shrink = 1 - self.rate(step) * self.weight_decay
        self._step(parameters, gradient, slots, step, decay, trainable, penalty=0.0, shrink=shrink)

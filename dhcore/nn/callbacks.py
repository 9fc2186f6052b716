"""What may happen after an epoch.

A callback is anything that can be called with the model and the epoch; when it returns True, training ends there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, final

from dhcore.errors import OperationError
from dhcore.nn.history import Epoch
from dhcore.nn.state import State

if TYPE_CHECKING:
    from dhcore.nn.model import Model

#: Called after each epoch; True ends the training.
Callback = Callable[["Model", Epoch], "bool | None"]


@final
class EarlyStopping:
    """End when a figure has not improved for some epochs, and go back to the best state.

    Args:
        figure: name in the epoch's figures.
        patience: number of epochs without improvement that are allowed.
        highest: whether larger is better, as for a metric.
        least: smallest change that counts as an improvement.

    >>> stopping = EarlyStopping("loss", patience=2)
    """

    def __init__(
        self,
        figure: str = "validation_loss",
        *,
        patience: int = 5,
        highest: bool = False,
        least: float = 0.0,
    ) -> None:
        self.figure = figure
        self.patience = patience
        self.least = least
        self._sign = -1.0 if highest else 1.0
        self._best = math.inf
        self._state: State | None = None
        self._waited = 0

    def __call__(self, model: Model, epoch: Epoch) -> bool:
        """Compare the epoch with the best one so far."""
        if self.figure not in epoch.figures:
            raise OperationError(
                f"EarlyStopping watches a figure among {sorted(epoch.figures)}, found {self.figure!r}; "
                f"validation figures need validation_data"
            )
        value = self._sign * epoch.figures[self.figure]
        if value < self._best - self.least:
            self._best, self._state, self._waited = value, model.state, 0
            return False
        self._waited += 1
        if self._waited <= self.patience or self._state is None:
            return False
        model.load_state(self._state)
        return True

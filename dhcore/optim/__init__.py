"""Optimizers, schedules and clipping: rules on flat arrays that know no model.

>>> by_name("adam") == Adam()
True
"""

from __future__ import annotations

from typing import Final

from dhcore.errors import OperationError
from dhcore.optim.adam import Adam, AdamW
from dhcore.optim.clipping import clip_by_norm, norm
from dhcore.optim.optimizer import Optimizer
from dhcore.optim.schedule import Constant, Cosine, Schedule, Step
from dhcore.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "Optimizer",
    "Schedule",
    "Step",
    "by_name",
    "clip_by_norm",
    "norm",
]

_KNOWN: Final[dict[str, type[SGD | Adam | AdamW]]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}


def by_name(name: str) -> Optimizer:
    """The optimizer of that name with its default figures.

    Args:
        name: ``"sgd"``, ``"adam"`` or ``"adamw"``.

    Raises:
        OperationError: no optimizer has that name; the message lists those there are.

    >>> by_name("sgd").learning_rate
    0.01
    """
    if name not in _KNOWN:
        raise OperationError(f"expected an optimizer among {sorted(_KNOWN)}, found {name!r}")
    return _KNOWN[name]()

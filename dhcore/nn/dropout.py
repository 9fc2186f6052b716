"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from dhcore.errors import OperationError
from dhcore.nn.layer import Application, Layer, Shape


@final
@dataclass(frozen=True, slots=True, eq=False)
class Dropout(Layer):
    """In training, each element is 0 with probability ``rate``, else divided by ``1 - rate`` (Srivastava et al., 2014).

    In use it does nothing. What is dropped depends on seed, layer and step only, so it is the same on every device.

    Args:
        rate: share of elements that are dropped, in [0, 1).
        name: unique within a model.

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.Dropout(0.5)(x)).predict([[1.0, 2.0]])
    array([[1., 2.]], dtype=float32)
    """

    kind: ClassVar[str] = "dropout"

    rate: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise OperationError(f"a dropout rate lies in [0, 1), found {self.rate!r}")

    def application(self, *shapes: Shape) -> Application:  # noqa: ARG002 - any shape will do
        """The dropout."""
        return Application("dropout", {"rate": self.rate})

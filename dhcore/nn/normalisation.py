"""Batch normalisation."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, final

from dhcore.errors import OperationError
from dhcore.nn.initialiser import Constant
from dhcore.nn.layer import Application, ArraySpec, Layer, Shape


@final
@dataclass(frozen=True, slots=True, eq=False)
class BatchNorm(Layer):
    """Each channel brought to mean 0 and variance 1, then scaled and shifted (Ioffe and Szegedy, 2015).

    ``y = scale * (x - mean) / sqrt(variance + epsilon) + shift``. In training mean and variance are those of the batch,
    and the running ones move towards them; in use they are the running ones.

    Args:
        momentum: weight of the newest batch in the running figures (PyTorch's convention; Keras writes one minus it).
        epsilon: added to the variance.
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.BatchNorm()(nn.Input((16, 64, 64))).shape
    (16, 64, 64)
    """

    kind: ClassVar[str] = "batch_norm"

    _: KW_ONLY
    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if not (0 < self.momentum <= 1 and self.epsilon > 0):
            raise OperationError(
                f"expected 0 < momentum <= 1 and epsilon > 0, found {self.momentum!r} and {self.epsilon!r}"
            )

    def application(self, *shapes: Shape) -> Application:
        """The normalisation of this number of channels."""
        channels = shapes[0][:1]
        arrays = (
            ArraySpec("scale", channels, Constant(1.0), decay=False),
            ArraySpec("shift", channels, Constant(0.0), decay=False),
            ArraySpec("mean", channels, Constant(0.0), is_buffer=True),
            ArraySpec("variance", channels, Constant(1.0), is_buffer=True),
        )
        attributes = {"momentum": self.momentum, "epsilon": self.epsilon}
        return Application("batch_norm", attributes, arrays)

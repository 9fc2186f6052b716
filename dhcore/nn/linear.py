"""The fully connected layer."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, final

from dhcore.errors import ShapeError
from dhcore.nn._window import whole
from dhcore.nn.initialiser import Constant, Fans, GlorotUniform, Initialiser
from dhcore.nn.layer import Application, ArraySpec, Layer, Shape


@final
@dataclass(frozen=True, slots=True, eq=False)
class Linear(Layer):
    """Every output is a weighted sum of every input: ``y = x weight^T + bias``; (inputs,) -> (units,).

    Args:
        units: number of outputs.
        bias: add one learned number per output.
        initialiser: how the weight begins.
        name: unique within a model.

    >>> from dhcore import nn
    >>> nn.Linear(10)(nn.Input((784,))).shape
    (10,)
    """

    kind: ClassVar[str] = "linear"

    units: int
    _: KW_ONLY
    bias: bool = True
    initialiser: Initialiser = field(default_factory=GlorotUniform)

    def application(self, *shapes: Shape) -> Application:
        """The linear map for this number of inputs."""
        if len(shapes[0]) != 1:
            raise ShapeError("linear", "(inputs,)", str(shapes[0]), "put a Flatten() before it")
        units, inputs = whole("units", self.units), shapes[0][0]
        fans = Fans(inputs, units)
        weight = ArraySpec("weight", (units, inputs), self.initialiser, fans)
        bias = ArraySpec("bias", (units,), Constant(0.0), decay=False)
        return Application("linear", {}, (weight, bias) if self.bias else (weight,))

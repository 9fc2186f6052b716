"""Activations: one function on every element, and the softmax."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, final

from dhcore.errors import OperationError
from dhcore.nn.layer import Application, Layer, Shape


@dataclass(frozen=True, slots=True, eq=False)
class _Elementwise(Layer, ABC):
    """A layer without figures, named as its operation."""

    def application(self, *shapes: Shape) -> Application:  # noqa: ARG002 - any shape will do
        """The function."""
        return Application(self.kind)


@final
@dataclass(frozen=True, slots=True, eq=False)
class ReLU(_Elementwise):
    """``max(x, 0)``.

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.ReLU()(x)).predict([[-1.0, 2.0]]).round(3)
    array([[0., 2.]], dtype=float32)
    """

    kind: ClassVar[str] = "relu"


@final
@dataclass(frozen=True, slots=True, eq=False)
class LeakyReLU(Layer):
    """``x`` above 0, ``alpha * x`` below (Maas et al., 2013).

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.LeakyReLU(0.2)(x)).predict([[-1.0, 2.0]]).round(3)
    array([[-0.2,  2. ]], dtype=float32)
    """

    kind: ClassVar[str] = "leaky_relu"

    alpha: float = 0.01

    def application(self, *shapes: Shape) -> Application:  # noqa: ARG002 - any shape will do
        """The function."""
        return Application("leaky_relu", {"alpha": self.alpha})


@final
@dataclass(frozen=True, slots=True, eq=False)
class ELU(Layer):
    """``x`` above 0, ``alpha * (exp(x) - 1)`` below (Clevert et al., 2016).

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.ELU()(x)).predict([[-1.0, 2.0]]).round(3)
    array([[-0.632,  2.   ]], dtype=float32)
    """

    kind: ClassVar[str] = "elu"

    alpha: float = 1.0

    def application(self, *shapes: Shape) -> Application:  # noqa: ARG002 - any shape will do
        """The function."""
        return Application("elu", {"alpha": self.alpha})


@final
@dataclass(frozen=True, slots=True, eq=False)
class Sigmoid(_Elementwise):
    """``1 / (1 + exp(-x))``.

    Binary cross entropy applies it itself; a model that ends in it is trained on what stands before it.

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.Sigmoid()(x)).predict([[-1.0, 2.0]]).round(3)
    array([[0.269, 0.881]], dtype=float32)
    """

    kind: ClassVar[str] = "sigmoid"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Tanh(_Elementwise):
    """The hyperbolic tangent.

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.Tanh()(x)).predict([[-1.0, 2.0]]).round(3)
    array([[-0.762,  0.964]], dtype=float32)
    """

    kind: ClassVar[str] = "tanh"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Softplus(_Elementwise):
    """``log(1 + exp(x))``.

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.Softplus()(x)).predict([[-1.0, 2.0]]).round(3)
    array([[0.313, 2.127]], dtype=float32)
    """

    kind: ClassVar[str] = "softplus"


@final
@dataclass(frozen=True, slots=True, eq=False)
class SiLU(_Elementwise):
    """``x * sigmoid(x)``, also called swish (Elfwing et al., 2018).

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.SiLU()(x)).predict([[-1.0, 2.0]]).round(3)
    array([[-0.269,  1.762]], dtype=float32)
    """

    kind: ClassVar[str] = "silu"


@final
@dataclass(frozen=True, slots=True, eq=False)
class GELU(_Elementwise):
    """``x * (1 + erf(x / sqrt(2))) / 2`` (Hendrycks and Gimpel, 2016).

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.GELU()(x)).predict([[-1.0, 2.0]]).round(3)
    array([[-0.159,  1.954]], dtype=float32)
    """

    kind: ClassVar[str] = "gelu"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Softmax(Layer):
    """``exp(x) / sum(exp(x))`` along an axis.

    Softmax cross entropy applies it itself; a model that ends in it is trained on what stands before it.

    Args:
        axis: 1, the channels, by default; the batch is axis 0.
        name: unique within a model.

    >>> from dhcore import nn
    >>> x = nn.Input((2,))
    >>> nn.Model(x, nn.Softmax()(x)).predict([[-1.0, 2.0]]).round(3)
    array([[0.047, 0.953]], dtype=float32)
    """

    kind: ClassVar[str] = "softmax"

    axis: int = 1

    def application(self, *shapes: Shape) -> Application:
        """The softmax along the axis."""
        if not 1 <= self.axis <= len(shapes[0]):
            raise OperationError(
                f"expected an axis from 1 to {len(shapes[0])} for {shapes[0]}, found {self.axis!r}; "
                f"axis 0 is the batch"
            )
        return Application("softmax", {"axis": self.axis})

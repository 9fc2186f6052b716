"""What a layer is: figures, and the operation they make of the shapes it is called with.

::

    x = Input((3, 64, 64))                 a symbol: a shape, and where it comes from
    y = Conv2d(16, 3)(x)                   a symbol again; nothing is computed
    model = Model(x, y)                    the symbols behind y become a graph

A layer is one node of the graph. Called twice, it is two nodes that share its parameters. To write a new layer, say in
:meth:`Layer.application` which operation of the table it is and which arrays it owns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, final

from dhcore._ops.table import infer_sample_shape
from dhcore.errors import OperationError, ShapeError
from dhcore.nn.initialiser import Fans, Initialiser

Shape = tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class ArraySpec:
    """An array that a layer owns, before it has a place in a model."""

    #: Name within the layer, as in ``weight``.
    name: str
    shape: Shape
    initialiser: Initialiser
    fans: Fans = field(default_factory=Fans)
    #: A buffer is changed by the forward pass, not by the optimizer.
    is_buffer: bool = False
    #: Whether weight decay applies.
    decay: bool = True


@final
@dataclass(frozen=True, slots=True)
class Application:
    """The operation that a layer is, for inputs of given shapes."""

    #: Name in the table of operations.
    op: str
    attributes: Mapping[str, object] = field(default_factory=dict)
    #: The layer's own arrays, in the order of the operation's arguments.
    arrays: tuple[ArraySpec, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Layer(ABC):
    """A step of a model, with the parameters it learns.

    Args:
        name: unique within a model; by default its kind and a number, as in ``convolution3``.
    """

    #: What an unnamed layer is called, with a number.
    kind: ClassVar[str]
    #: Number of inputs; None for two or more.
    arity: ClassVar[int | None] = 1

    name: str | None = field(default=None, kw_only=True)

    @abstractmethod
    def application(self, *shapes: Shape) -> Application:
        """The operation for inputs of these shapes, without the batch.

        Raises:
            ShapeError: the layer cannot read such inputs.
            OperationError: its figures contradict each other.
        """

    def __call__(self, *inputs: Symbol) -> Symbol:
        """The symbol of this layer applied to others.

        Raises:
            ShapeError: the layer cannot read inputs of these shapes; the message names the layer.
            OperationError: the layer reads another number of inputs.
        """
        self._count(inputs)
        shapes = tuple(symbol.shape for symbol in inputs)
        try:
            application = self.application(*shapes)
            own = [array.shape for array in application.arrays]
            shape = infer_sample_shape(application.op, shapes, own, application.attributes)
        except ShapeError as error:
            raise error.within(self.label) from None
        except OperationError as error:
            raise OperationError(f"{self.label}: {error}") from None
        return Symbol(self, inputs, application, shape)

    @property
    def label(self) -> str:
        """Name of the layer, or its kind while it has none."""
        return self.name or self.kind

    def _count(self, inputs: tuple[object, ...]) -> None:
        strangers = [type(item).__name__ for item in inputs if not isinstance(item, Symbol)]
        if strangers:
            raise OperationError(
                f"{self.label}: a layer is called with what other layers gave, got {strangers[0]}; "
                f"to compute on arrays, make a Model and call predict"
            )
        expected = f"{self.arity}" if self.arity is not None else "two or more"
        if len(inputs) != self.arity if self.arity is not None else len(inputs) < 2:
            raise OperationError(
                f"{self.label}: expected {expected} input(s), found {len(inputs)}; "
                f"several are separate arguments: layer(a, b)"
            )


@final
@dataclass(frozen=True, slots=True, eq=False)
class Symbol:
    """What a layer gives, before there are numbers."""

    layer: Layer
    inputs: tuple[Symbol, ...]
    application: Application
    #: Shape of one sample, without the batch.
    shape: Shape

    def __repr__(self) -> str:
        return f"<{self.layer.label} {self.shape}>"

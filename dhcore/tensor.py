"""Tensor: an array on a device, with NumPy's semantics and gradients.

A tensor is a value: no operation changes one in place. Operations on tensors that require gradients are recorded, and
``backward()`` of a scalar sends gradients back to the leaves.
"""

from __future__ import annotations

import math
from typing import Any, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt

from dhcore._backends.base import Array, Shape
from dhcore._ops.eager import apply
from dhcore._ops.indexing import basic_index, is_basic
from dhcore._ops.tape import Record, Variable, no_grad, walk_back
from dhcore.device import Device, as_device, current
from dhcore.dtypes import DEFAULT, as_dtype, is_floating
from dhcore.errors import GradientError, ShapeError

__all__ = ["Tensor", "concatenate", "maximum", "minimum", "no_grad", "stack", "where"]

#: What an operator takes beside a tensor.
Operand: TypeAlias = "Tensor | npt.NDArray[Any] | float | bool"
Axes: TypeAlias = int | tuple[int, ...] | None


@final
class Tensor(Variable):
    """An array on a device, with NumPy's semantics and gradients.

    Args:
        data: Anything NumPy makes an array of, a tensor, or an array of another library by DLPack. Floats that are
            not arrays
            become float32; arrays keep their dtype. Memory is shared where it can be, as in ``np.asarray``.
        dtype: Dtype to convert to.
        device: Where; by default that of ``data``, or :func:`dhcore.device.current`.
        requires_grad: Whether ``backward`` fills ``grad``.

    Raises:
        DtypeError: Tensors do not have that dtype.
        GradientError: A gradient of something other than floats is asked for.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    Tensor([[2., 4.],
            [6., 8.]], dtype=float32)
    """

    __slots__ = ("__weakref__", "grad")

    #: Gradient that backward has added up; None before.
    grad: Tensor | None
    #: NumPy leaves operators between its arrays and tensors to the tensor.
    __array_priority__ = 100

    def __init__(
        self,
        data: Any,
        *,
        dtype: npt.DTypeLike | None = None,
        device: Device | str | None = None,
        requires_grad: bool = False,
    ) -> None:
        array = _as_array(data, dtype)
        if requires_grad and not is_floating(array.dtype):
            raise GradientError(
                f"expected float32 or float64 to require a gradient; found {array.dtype}"
            )
        default = data.device if isinstance(data, Tensor) else current()
        self.array = array
        self.device = default if device is None else as_device(device)
        self.record = None
        self.requires_grad = requires_grad
        self.grad = None

    @classmethod
    def wrap(cls, array: Array, device: Device, record: Record | None = None) -> Self:
        """Make a tensor of an array that already lies on the device; operations call this."""
        tensor = cls.__new__(cls)
        tensor.array = np.asarray(array)
        tensor.device = device
        tensor.record = record
        tensor.requires_grad = record is not None
        tensor.grad = None
        return tensor

    def accumulate(self, gradient: Array) -> None:
        """Add to ``grad``; the walk back along the tape calls this."""
        # A copy: what arrives may be a view that a later pass of the same tape reads again.
        total = np.array(gradient) if self.grad is None else self.grad.array + gradient
        self.grad = Tensor.wrap(total, self.device)

    @property
    def shape(self) -> Shape:
        """Extent of each axis."""
        shape: Shape = self.array.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        dtype: np.dtype[Any] = self.array.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def T(self) -> Tensor:  # noqa: N802  # NumPy's name
        """The tensor with its axes in reverse order."""
        return self.transpose()

    # --- in and out

    def numpy(self) -> npt.NDArray[Any]:
        """Return the elements as a NumPy array, without a copy where they are one already.

        >>> Tensor([1, 2]).numpy()
        array([1, 2])
        """
        array: npt.NDArray[Any] = self.array
        return array

    def __array__(
        self,
        dtype: npt.DTypeLike | None = None,
        copy: bool | None = None,  # noqa: FBT001  # NumPy's protocol
    ) -> npt.NDArray[Any]:
        return np.array(self.array, dtype=dtype, copy=copy)

    def __dlpack__(self, **arguments: Any) -> Any:
        return self.array.__dlpack__(**arguments)

    def __dlpack_device__(self) -> tuple[int, int]:
        kind, index = self.array.__dlpack_device__()
        return int(kind), int(index)

    def item(self) -> float | int | bool:
        """Return the only element as a Python number.

        Raises:
            ShapeError: There is not exactly one element.

        >>> Tensor([3.0]).item()
        3.0
        """
        if self.size != 1:
            raise ShapeError(
                "item", "a tensor of 1 element", str(self.shape), "index or reduce it first"
            )
        value: float | int | bool = self.array.item()
        return value

    def to(self, device: Device | str) -> Tensor:
        """Return the tensor on another device, cut off from the tape.

        >>> str(Tensor([1.0]).to("reference").device)
        'reference'
        """
        place = as_device(device)
        return self if place == self.device else Tensor.wrap(self.array, place)

    def detach(self) -> Tensor:
        """Return the same elements without a past: no gradient passes.

        >>> Tensor([1.0], requires_grad=True).detach().requires_grad
        False
        """
        return Tensor.wrap(self.array, self.device)

    def astype(self, dtype: npt.DTypeLike) -> Tensor:
        """Return the elements converted; gradients pass between float types.

        >>> Tensor([1.5]).astype("int64")
        Tensor([1], dtype=int64)
        """
        wanted = as_dtype(dtype)
        if not (is_floating(wanted) and is_floating(self.dtype)):
            return Tensor.wrap(self.array.astype(wanted), self.device)
        return apply("cast", self, dtype=wanted)

    def backward(self, gradient: Operand | None = None) -> None:
        """Add to the ``grad`` of every leaf the gradient of this tensor with respect to it.

        Args:
            gradient: Gradient of the final result with respect to this tensor, of its shape; 1 by default, for a
                scalar.

        Raises:
            GradientError: Nothing was recorded, or the tensor is not a scalar and no gradient was given.
            ShapeError: The gradient does not have the tensor's shape.

        >>> x = Tensor(3.0, requires_grad=True)
        >>> (x * x).backward()
        >>> x.grad.item()
        6.0
        """
        if not self.requires_grad:
            raise GradientError(
                "expected a tensor made from one with requires_grad=True; found one that has no past"
            )
        if gradient is None and self.shape != ():
            raise GradientError(
                f"expected a scalar; found the shape {self.shape}; reduce it, or pass its gradient"
            )
        arrived = np.ones((), self.dtype) if gradient is None else np.asarray(gradient, self.dtype)
        if arrived.shape != self.shape:
            raise ShapeError("backward", f"a gradient of shape {self.shape}", str(arrived.shape))
        walk_back(self, arrived)

    # --- shape

    def reshape(self, *shape: int | tuple[int, ...]) -> Tensor:
        """Return the elements in another shape; one extent may be -1.

        >>> Tensor(np.arange(6.0)).reshape(2, -1).shape
        (2, 3)
        """
        return apply("reshape", self, shape=_unpacked(shape))

    def transpose(self, *axes: int | tuple[int, ...]) -> Tensor:
        """Return the tensor with its axes in another order, reversed by default.

        >>> Tensor(np.zeros((2, 3, 4))).transpose(0, 2, 1).shape
        (2, 4, 3)
        """
        return apply("transpose", self, axes=_unpacked(axes) or None)

    def broadcast_to(self, shape: Shape) -> Tensor:
        """Return the tensor stretched to a shape.

        >>> Tensor([1.0, 2.0]).broadcast_to((3, 2)).shape
        (3, 2)
        """
        return apply("broadcast_to", self, shape=shape)

    def __getitem__(self, index: Any) -> Tensor:
        parts = index if isinstance(index, tuple) else (index,)
        if is_basic(parts):
            window, shape = basic_index(parts, self.shape)
            part: Tensor = apply("slice", self, **window)
            return part.reshape(shape)
        return apply("take", self, index=tuple(_index_part(part) for part in parts))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("expected a tensor with an axis; found a scalar, which has no length")
        return self.shape[0]

    # --- reductions

    def sum(self, axes: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Return the sum over axes, all of them by default.

        >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).sum(0)
        Tensor([4., 6.], dtype=float32)
        """
        return apply("sum", self, axes=axes, keepdims=keepdims)

    def mean(self, axes: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Return the mean over axes, all of them by default.

        >>> Tensor([1.0, 2.0]).mean().item()
        1.5
        """
        return apply("mean", self, axes=axes, keepdims=keepdims)

    def max(self, axes: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Return the largest element over axes; equal ones share the gradient.

        >>> Tensor([[1.0, 5.0], [3.0, 4.0]]).max(1)
        Tensor([5., 4.], dtype=float32)
        """
        return apply("max", self, axes=axes, keepdims=keepdims)

    def min(self, axes: Axes = None, *, keepdims: bool = False) -> Tensor:
        """Return the smallest element over axes; equal ones share the gradient.

        >>> Tensor([[1.0, 5.0], [3.0, 4.0]]).min(1)
        Tensor([1., 3.], dtype=float32)
        """
        return apply("min", self, axes=axes, keepdims=keepdims)

    def argmax(self, axis: int) -> Tensor:
        """Return the index of the first largest element along an axis.

        >>> Tensor([[1.0, 5.0], [3.0, 2.0]]).argmax(1)
        Tensor([1, 0], dtype=int64)
        """
        return apply("argmax", self, axis=axis)

    # --- arithmetic

    def __add__(self, other: Operand) -> Tensor:
        return apply("add", self, other)

    def __radd__(self, other: Operand) -> Tensor:
        return apply("add", other, self)

    def __sub__(self, other: Operand) -> Tensor:
        return apply("subtract", self, other)

    def __rsub__(self, other: Operand) -> Tensor:
        return apply("subtract", other, self)

    def __mul__(self, other: Operand) -> Tensor:
        return apply("multiply", self, other)

    def __rmul__(self, other: Operand) -> Tensor:
        return apply("multiply", other, self)

    def __truediv__(self, other: Operand) -> Tensor:
        return apply("divide", self, other)

    def __rtruediv__(self, other: Operand) -> Tensor:
        return apply("divide", other, self)

    def __pow__(self, other: Operand) -> Tensor:
        return apply("power", self, other)

    def __rpow__(self, other: Operand) -> Tensor:
        return apply("power", other, self)

    def __matmul__(self, other: Tensor | npt.NDArray[Any]) -> Tensor:
        return _matmul(self, _beside(other, self))

    def __rmatmul__(self, other: npt.NDArray[Any]) -> Tensor:
        return _matmul(_beside(other, self), self)

    def __neg__(self) -> Tensor:
        return apply("negate", self)

    def __abs__(self) -> Tensor:
        return apply("abs", self)

    def exp(self) -> Tensor:
        """Return e to the power of each element."""
        return apply("exp", self)

    def log(self) -> Tensor:
        """Return the natural logarithm of each element."""
        return apply("log", self)

    def sqrt(self) -> Tensor:
        """Return the square root of each element."""
        return apply("sqrt", self)

    # --- comparisons

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]  # element by element, as NumPy's
        return apply("equal", self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]  # element by element, as NumPy's
        return apply("not_equal", self, other)

    def __lt__(self, other: object) -> Tensor:
        return apply("less", self, other)

    def __le__(self, other: object) -> Tensor:
        return apply("less_equal", self, other)

    def __gt__(self, other: object) -> Tensor:
        return apply("greater", self, other)

    def __ge__(self, other: object) -> Tensor:
        return apply("greater_equal", self, other)

    #: Equality is element by element, so a tensor is the key of nothing.
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __repr__(self) -> str:
        elements = np.array2string(self.array, separator=", ", prefix="Tensor(")
        device = "" if self.device == current() else f", device={str(self.device)!r}"
        gradient = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({elements}, dtype={self.dtype}{device}{gradient})"

    def __reduce__(self) -> tuple[Any, ...]:
        """A tensor travels as its elements, without its past."""
        is_leaf = self.record is None and self.requires_grad
        return _restore, (np.asarray(self.array), self.device, is_leaf)


def concatenate(tensors: list[Tensor] | tuple[Tensor, ...], axis: int = 0) -> Tensor:
    """Join tensors along an axis they have.

    >>> concatenate([Tensor([1.0]), Tensor([2.0, 3.0])])
    Tensor([1., 2., 3.], dtype=float32)
    """
    joined: Tensor = apply("concatenate", *tensors, axis=axis)
    return joined


def stack(tensors: list[Tensor] | tuple[Tensor, ...], axis: int = 0) -> Tensor:
    """Join tensors of one shape along a new axis.

    >>> stack([Tensor([1.0, 2.0]), Tensor([3.0, 4.0])]).shape
    (2, 2)
    """
    place = axis % (tensors[0].ndim + 1)
    return concatenate(
        [tensor.reshape(*tensor.shape[:place], 1, *tensor.shape[place:]) for tensor in tensors],
        place,
    )


def where(condition: Operand, a: Operand, b: Operand) -> Tensor:
    """Choose elements of ``a`` where the condition holds and of ``b`` elsewhere; at least one of the three is a tensor.

    >>> x = Tensor([-1.0, 2.0])
    >>> where(x > 0, x, 0.0)
    Tensor([0., 2.], dtype=float32)
    """
    floats = [part for part in (a, b) if isinstance(part, Tensor)]
    # A number beside the condition alone would take its type, which is bool.
    a, b = (
        part if isinstance(part, Tensor) or not floats else _beside(part, floats[0])
        for part in (a, b)
    )
    return apply("where", condition, a, b)


def maximum(a: Operand, b: Operand) -> Tensor:
    """Return the larger of each pair; equal ones share the gradient.

    >>> maximum(Tensor([-1.0, 2.0]), 0.0)
    Tensor([0., 2.], dtype=float32)
    """
    return apply("maximum", a, b)


def minimum(a: Operand, b: Operand) -> Tensor:
    """Return the smaller of each pair; equal ones share the gradient.

    >>> minimum(Tensor([-1.0, 2.0]), 0.0)
    Tensor([-1.,  0.], dtype=float32)
    """
    return apply("minimum", a, b)


def _as_array(data: Any, dtype: npt.DTypeLike | None) -> Array:
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(data, Tensor):
        array = data.array
    elif isinstance(data, np.ndarray | np.generic):
        array = np.asarray(data)
    elif hasattr(data, "__dlpack__"):
        array = np.from_dlpack(data)
    else:
        array = np.asarray(data)
        if wanted is None and array.dtype == np.float64:
            wanted = DEFAULT
    return array.astype(wanted or as_dtype(array.dtype), copy=False)


def _restore(array: Array, device: Device, requires_grad: bool) -> Tensor:  # noqa: FBT001  # called by pickle
    return Tensor(array, device=device, requires_grad=requires_grad)


def _unpacked(numbers: tuple[int | tuple[int, ...], ...]) -> tuple[int, ...]:
    """Read ``(2, 3)`` and ``((2, 3),)`` alike."""
    if len(numbers) == 1 and not isinstance(numbers[0], int):
        return tuple(numbers[0])
    return tuple(number for number in numbers if isinstance(number, int))


def _beside(other: Any, tensor: Tensor) -> Tensor:
    """Make a tensor of an operand, of the dtype and on the device of the tensor it meets."""
    if isinstance(other, Tensor):
        return other
    number = isinstance(other, bool | int | float)
    return Tensor(other, dtype=tensor.dtype if number else None, device=tensor.device)


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    """NumPy's rule: a vector is a row on the left and a column on the right, and its axis goes away again."""
    if not a.shape or not b.shape:
        raise ShapeError(
            "matmul", "arguments with axes", f"{a.shape} and {b.shape}", "multiply scalars with *"
        )
    left = a.reshape(1, -1) if a.ndim == 1 else a
    right = b.reshape(-1, 1) if b.ndim == 1 else b
    product: Tensor = apply("matmul", left, right)
    shape = list(product.shape)
    if b.ndim == 1:
        shape.pop()
    if a.ndim == 1:
        shape.pop(-1 if b.ndim == 1 else -2)
    return product if tuple(shape) == product.shape else product.reshape(tuple(shape))


def _index_part(part: Any) -> Any:
    return part.numpy() if isinstance(part, Tensor) else part

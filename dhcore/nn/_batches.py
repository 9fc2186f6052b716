"""What users pass as data, brought into one form: name -> array, checked once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from dhcore._ops.graph import Graph
from dhcore.errors import DtypeError, OperationError, ShapeError
from dhcore.nn._objective import WEIGHT, target_name

Array: TypeAlias = NDArray[Any]
#: One array, one per input or output in order, or by name.
Data: TypeAlias = Array | Sequence[Array] | Mapping[str, Array]

#: How far outside [0, 1] a probability may lie: what interpolating a mask rounds to.
_ROUNDING: Final = 1e-3


@final
class Samples:
    """Inputs, and perhaps targets and weights, of one set of samples."""

    def __init__(
        self,
        graph: Graph,
        x: Data,
        y: Data | None = None,
        weight: Array | None = None,
        *,
        targets: Mapping[str, bool] | None = None,
    ) -> None:
        self._graph = graph
        #: Output -> whether its target holds probabilities.
        self._wanted = targets or {}
        self.inputs = _named("input", x, list(graph.inputs))
        for name, array in self.inputs.items():
            _check(f"input {name!r}", array, graph.nodes[graph.inputs[name]].shape)
        self.targets = {} if y is None else _named("target", y, list(self._wanted))
        for name, array in self.targets.items():
            _check_target(name, array, self._shape(name))
        self.count = len(next(iter(self.inputs.values())))
        self.weight = np.ones(self.count, np.float32) if weight is None else np.asarray(weight)
        lengths = {
            **{f"input {name!r}": len(array) for name, array in self.inputs.items()},
            **{f"target {name!r}": len(array) for name, array in self.targets.items()},
        }
        for name, length in lengths.items():
            if length != self.count:
                raise ShapeError(name, f"{self.count} samples like the first input", str(length))
        _check_weight(self.weight, self.count)

    def _shape(self, output: str) -> tuple[int, ...]:
        return self._graph.nodes[self._graph.outputs[output]].shape

    def feed(self, index: slice | NDArray[np.int64]) -> dict[str, Array]:
        """Arrays of some samples under the names of the graph's inputs, in single precision."""
        feed = {
            name: _finite(f"input {name!r}", _single(array[index]))
            for name, array in self.inputs.items()
        }
        if self.targets:
            feed[WEIGHT] = _single(self.weight[index])
        for name, array in self.targets.items():
            chosen = np.asarray(array[index])
            dense = _finite(f"target {name!r}", _dense(name, chosen, self._shape(name)))
            if self._wanted[name]:
                _check_probabilities(name, dense)
            feed[target_name(self._graph, name)] = dense
        return feed

    def whole(self) -> dict[str, Array]:
        """All samples, of which there is at least one, as one batch."""
        if not self.count:
            raise ShapeError(f"input {next(iter(self.inputs))!r}", "at least one sample", "none")
        return self.feed(slice(None))

    def steps(self, size: int) -> int:
        """Number of batches of a size."""
        if size < 1:
            raise OperationError(f"batch_size: expected at least 1, found {size!r}")
        return -(-self.count // size)

    def batches(
        self, size: int, order: NDArray[np.int64] | None = None
    ) -> Iterator[dict[str, Array]]:
        """All samples, as they stand or in a given order; the last batch may be short."""
        for number in range(self.steps(size)):
            part = slice(number * size, (number + 1) * size)
            yield self.feed(part if order is None else order[part])


def _single(array: Array) -> Array:
    return np.ascontiguousarray(array, np.float32)


def _named(what: str, data: Data, names: list[str]) -> dict[str, Array]:
    if isinstance(data, Mapping):
        found = {name: np.asanyarray(array) for name, array in data.items()}
    else:
        # A list of arrays is one array per name; any other list is the samples of the only one.
        is_list = isinstance(data, list | tuple) and (
            len(names) > 1 or all(isinstance(item, np.ndarray) for item in data)
        )
        arrays = list(data) if is_list else [data]
        if len(arrays) != len(names):
            raise OperationError(
                f"expected an array for each {what} {names!r}, found {len(arrays)}"
            )
        found = dict(zip(names, (np.asanyarray(array) for array in arrays), strict=True))
    if set(found) != set(names):
        raise OperationError(
            f"expected an array for each {what} {names!r}, found {sorted(found)!r}"
        )
    return {name: found[name] for name in names}


def _check(subject: str, array: Array, shape: tuple[int, ...], hint: str = "") -> None:
    _check_numbers(subject, array)
    if array.ndim == 0 or array.shape[1:] != shape:
        is_turned = sorted(array.shape[1:]) == sorted(shape)
        raise ShapeError(
            subject, _form(shape), str(array.shape), "channels come first" if is_turned else hint
        )


def _check_numbers(subject: str, array: Array) -> None:
    if array.dtype.kind not in "biuf":
        raise DtypeError(
            f"{subject}: expected real numbers, found an array of {array.dtype}; convert it with astype('float32')"
        )


def _form(shape: tuple[int, ...]) -> str:
    return str(("samples", *shape)).replace("'", "")


def _check_target(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """A target has the output's shape, or leaves the channels out: as classes, or where there is only one channel."""
    is_short = array.ndim == len(shape) and array.shape[1:] == shape[1:]
    if is_short and (shape[0] == 1 or array.dtype.kind in "biu"):
        _check_numbers(f"target {name!r}", array)
        return
    kind = "a single channel" if shape[0] == 1 else "classes as integers"
    _check(f"target {name!r}", array, shape, f"or {kind}: {_form(shape[1:])}")


def _check_weight(weight: Array, samples: int) -> None:
    _check_numbers("weight", weight)
    if weight.shape != (samples,):
        raise ShapeError("weight", f"one weight per sample, ({samples},)", str(weight.shape))
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise OperationError(
            f"weight: expected finite numbers of 0 or more, found {weight.min()} to {weight.max()}"
        )


def _finite(subject: str, array: Array) -> Array:
    """The array, when all of it is finite: a kernel may make a 0 of what is not a number, and nobody would know."""
    with np.errstate(all="ignore"):
        is_finite = np.isfinite(array.sum())
    # Only where the sum is not finite (it may also have overflowed) is there a need to look at each element.
    if is_finite or np.isfinite(array).all():
        return array
    place = np.argwhere(~np.isfinite(array))[0]
    raise OperationError(
        f"{subject}: expected finite numbers, found {array[tuple(place)]} in sample {place[0]} of the batch; "
        f"replace it, or leave the sample out"
    )


def _check_probabilities(name: str, target: Array) -> None:
    if target.size and not -_ROUNDING <= target.min() <= target.max() <= 1 + _ROUNDING:
        raise OperationError(
            f"target {name!r}: expected probabilities from 0 to 1, found {target.min():g} to {target.max():g}; "
            f"a mask of 0 and 255 is divided by 255"
        )


def _dense(name: str, target: Array, shape: tuple[int, ...]) -> Array:
    """The target in the shape of the output: integer classes become one-hot channels, a single channel its axis."""
    if target.shape[1:] == shape:
        return _single(target)
    if shape[0] == 1:
        return _single(target[:, np.newaxis])
    if target.size and not 0 <= target.min() <= target.max() < shape[0]:
        raise OperationError(
            f"target {name!r}: expected classes from 0 to {shape[0] - 1}, found {target.min()} to {target.max()}"
        )
    channels = np.arange(shape[0]).reshape(-1, *(1,) * (target.ndim - 1))
    return _single(target[:, np.newaxis] == channels)

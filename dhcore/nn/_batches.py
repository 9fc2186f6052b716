"""What users pass as data, brought into one form: name -> array, checked once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from dhcore._ops.graph import Graph
from dhcore.errors import OperationError, ShapeError
from dhcore.nn._objective import WEIGHT, target_name

Array: TypeAlias = NDArray[Any]
#: One array, one per input or output in order, or by name.
Data: TypeAlias = Array | Sequence[Array] | Mapping[str, Array]


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
        targets: Sequence[str] = (),
    ) -> None:
        self._graph = graph
        self.inputs = _named("input", x, list(graph.inputs))
        for name, array in self.inputs.items():
            _check(f"input {name!r}", array, graph.nodes[graph.inputs[name]].shape)
        self.targets = {} if y is None else _named("target", y, list(targets))
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
        if self.weight.shape != (self.count,):
            expected = f"one weight per sample, ({self.count},)"
            raise ShapeError("weight", expected, str(self.weight.shape))

    def _shape(self, output: str) -> tuple[int, ...]:
        return self._graph.nodes[self._graph.outputs[output]].shape

    def feed(self, index: slice | NDArray[np.int64]) -> dict[str, Array]:
        """Arrays of some samples under the names of the graph's inputs, in single precision."""
        feed = {name: _single(array[index]) for name, array in self.inputs.items()}
        if self.targets:
            feed[WEIGHT] = _single(self.weight[index])
        for name, array in self.targets.items():
            chosen = np.asarray(array[index])
            feed[target_name(self._graph, name)] = _dense(name, chosen, self._shape(name))
        return feed

    def batches(
        self, size: int, order: NDArray[np.int64] | None = None
    ) -> Iterator[dict[str, Array]]:
        """All samples, as they stand or in a given order; the last batch may be short."""
        if size < 1:
            raise OperationError(f"batch_size: expected at least 1, found {size!r}")
        for start in range(0, self.count, size):
            part = slice(start, start + size)
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


def _check(subject: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.ndim == 0 or array.shape[1:] != shape:
        expected = f"(samples, {', '.join(map(str, shape))})"
        hint = "channels come first" if sorted(array.shape[1:]) == sorted(shape) else ""
        raise ShapeError(subject, expected, str(array.shape), hint)


def _check_target(name: str, array: Array, shape: tuple[int, ...]) -> None:
    is_index = np.issubdtype(array.dtype, np.integer) and array.shape[1:] == shape[1:]
    if not (is_index and array.ndim == len(shape)):
        _check(f"target {name!r}", array, shape)


def _dense(name: str, target: Array, shape: tuple[int, ...]) -> Array:
    """The target in the shape of the output: integer classes become one-hot channels."""
    if target.shape[1:] == shape:
        return _single(target)
    classes = max(2, shape[0])
    if target.size and not 0 <= target.min() <= target.max() < classes:
        raise OperationError(
            f"target {name!r}: expected classes from 0 to {classes - 1}, found {target.min()} to {target.max()}"
        )
    if shape[0] == 1:
        return _single(target[:, np.newaxis])
    channels = np.arange(shape[0]).reshape(-1, *(1,) * (target.ndim - 1))
    return _single(target[:, np.newaxis] == channels)

"""From the arguments of a call to numbered data: what the graph reasons about, and what the worker gets.

Values that cannot change go along as they are. Futures and tracked objects become holes. Anything else that is
only read is pickled now, so that what the program does to it later is not seen; what is written is tracked.
"""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dhtask._executors.portable import Hole, Pickled, dumps
from dhtask._executors.work import ElementPlace, FilePlace
from dhtask._model.direction import Direction, Kind, Parameter
from dhtask._model.invocation import Access, DatumId
from dhtask._runtime.future import Future
from dhtask._runtime.literals import LARGE
from dhtask._runtime.specification import CallPlan, TaskSpec
from dhtask.errors import DhtaskError, SerialisationError, TaskDefinitionError

if TYPE_CHECKING:
    from dhtask._runtime.data import DataStore

#: Values of these types cannot change and are small or cheap to pickle.
ATOMS: Final = frozenset({int, float, bool, complex, type(None)})
#: Objects that are the same everywhere: a direction other than IN means nothing for them.
_CONSTANT: Final = (
    int, float, bool, complex, str, bytes, type(None), type, types.FunctionType,
    types.BuiltinFunctionType, types.ModuleType, range, slice, frozenset, tuple, np.generic,
)  # fmt: skip
_READS: Final = Direction.IN
_SLOTS: Final = tuple(str(number) for number in range(256))


class Binder:
    """Binds one call.

    Args:
        data: what the runtime knows of futures, objects, literals and files.
        spec: the task.
    """

    __slots__ = (
        "_data",
        "_fresh",
        "_slots",
        "_spec",
        "accesses",
        "blanks",
        "elements",
        "files",
        "futures",
        "names",
        "scratch",
    )  # fmt: skip

    def __init__(self, data: DataStore, spec: TaskSpec) -> None:
        self._data = data
        self._spec = spec
        #: Datum to the position of its access: a datum is one object in a task, however often it is passed.
        self._slots: dict[DatumId, int] = {}
        #: Objects that this call is the first to name, to be written only.
        self._fresh: dict[DatumId, Any] = {}
        self.accesses: list[Access] = []
        self.scratch: set[str] = set()
        self.blanks: dict[str, bytes] = {}
        self.elements: list[ElementPlace] = []
        self.files: dict[str, FilePlace] = {}
        self.names: dict[str, str] = {}
        #: Futures that took the place of elements of a collection.
        self.futures: list[Future[Any]] = []

    def bind_positional(self, args: tuple[Any, ...], plan: CallPlan) -> list[Any]:
        """The positional arguments as they travel."""
        bound = []
        directions = plan.positional
        count = len(directions)
        for position, value in enumerate(args):
            if type(value) in ATOMS:
                bound.append(value)
            elif position < count:
                bound.append(
                    self._bind(value, directions[position], position, plan.names[position])
                )
            else:
                assert plan.variadic is not None
                bound.append(self._bind(value, plan.variadic, position, f"*{position - count}"))
        return bound

    def bind_keywords(self, kwargs: Mapping[str, Any], plan: CallPlan) -> dict[str, Any]:
        """The keyword arguments as they travel."""
        bound = {}
        for name, value in kwargs.items():
            parameter = plan.keywords.get(name) or plan.keyword_variadic
            assert parameter is not None
            bound[name] = (
                value if type(value) in ATOMS else self._bind(value, parameter, name, name)
            )
        return bound

    def _bind(self, value: Any, parameter: Parameter, argument: int | str, name: str) -> Any:
        if parameter.kind is Kind.OBJECT:
            return self._bind_object(value, parameter.direction, name)
        if parameter.kind is Kind.FILE:
            return self._bind_file(value, parameter.direction, name)
        return self._bind_collection(value, parameter, argument, name)

    def _access(self, datum: DatumId, direction: Direction, name: str) -> str:
        """Slot of a datum; one that is passed twice has the stronger direction of the two."""
        position = self._slots.get(datum)
        if position is None:
            position = len(self.accesses)
            slot = _SLOTS[position] if position < len(_SLOTS) else str(position)
            self._slots[datum] = position
            self.accesses.append(Access(datum, direction, slot))
        else:
            known = self.accesses[position]
            slot = known.slot
            if known.direction is not direction:
                if datum in self._fresh:
                    # It was only to be written, and now it is read as well.
                    self._data.put(datum, self._content(self._fresh.pop(datum), name))
                self.accesses[position] = Access(datum, _stronger(known.direction, direction), slot)
        if direction is Direction.CONCURRENT:
            self.scratch.add(slot)
        if direction is not Direction.IN:
            self.names[slot] = name
        return slot

    def _bind_object(self, value: Any, direction: Direction, name: str) -> Any:
        if isinstance(value, Future):
            datum = self._data.of_future(value)
            # What an OUT future holds is not known here, so the task gets what is there to write on.
            used = Direction.INOUT if direction is Direction.OUT else direction
            return Hole(self._access(datum, used, name))
        if direction is _READS:
            return self._bind_input(value, name)
        if isinstance(value, _CONSTANT):
            return self._bind_input(value, name)
        return Hole(self._track(value, direction, name))

    def _track(self, value: Any, direction: Direction, name: str) -> str:
        """Slot of an object of the program that the task writes."""
        datum = self._data.objects.find(value)
        if datum is None:
            datum = self._data.track(value)
            if direction is Direction.OUT:
                self._fresh[datum] = value
            else:
                self._data.put(datum, self._content(value, name))
        slot = self._access(datum, direction, name)
        if direction is Direction.OUT and type(value) is not object:
            self.blanks[slot] = self._blank(value, name)
        return slot

    def _bind_input(self, value: Any, name: str) -> Any:
        if type(value) in {str, bytes} and len(value) < LARGE:
            return value
        objects = self._data.objects
        if objects:
            datum = objects.find(value)
            if datum is not None:
                return Hole(self._access(datum, _READS, name))
            value = self._with_holes(value, name)
        if type(value) is np.ndarray and value.nbytes >= LARGE and not value.dtype.hasobject:
            datum = self._data.literals.of_array(value, lambda: dumps(value))
            return Hole(self._access(datum, _READS, name))
        found: list[DatumId] = []
        pickled = self._pickle(value, name, self._hole_maker(name, found))
        if len(pickled) >= LARGE and not found:
            datum = self._data.literals.of_bytes(pickled)
            return Hole(self._access(datum, _READS, name))
        return Pickled(pickled)

    def _with_holes(self, value: Any, name: str) -> Any:
        """The same nested lists, tuples and dicts with holes for the tracked objects in them."""
        kind = type(value)
        if kind in ATOMS or kind is str:
            return value
        datum = self._data.objects.find(value)
        if datum is not None:
            return Hole(self._access(datum, _READS, name))
        if kind is list or kind is tuple:
            items = [self._with_holes(item, name) for item in value]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            return items if kind is list else tuple(items)
        if kind is dict:
            changed = {k: self._with_holes(v, name) for k, v in value.items()}
            return value if all(changed[k] is value[k] for k in value) else changed
        return value

    def _hole_maker(self, name: str, found: list[DatumId]) -> Callable[[Any], Any]:
        """What replaces the futures, the tracked instances and the large arrays met while pickling."""

        def replace(value: Any) -> Any:
            if isinstance(value, Future):
                datum = self._data.of_future(value)
            elif type(value) is np.ndarray and value.nbytes >= LARGE and not value.dtype.hasobject:
                datum = self._data.literals.of_array(value, lambda: dumps(value))
            else:
                known = self._data.objects.find(value)
                if known is None:
                    return None
                datum = known
            found.append(datum)
            return Hole(self._access(datum, _READS, name))

        return replace

    def _content(self, value: Any, name: str) -> bytes:
        """An object as it is now; what tasks have yet to make inside it is waited for."""

        def replace(inner: Any) -> Any:
            if inner is value:
                return None
            if isinstance(inner, Future) or self._data.objects.find(inner) is not None:
                return Pickled(dumps(self._data.wait(inner)))
            return None

        return self._pickle(self._data.settle(value), name, replace)

    def _blank(self, value: Any, name: str) -> bytes:
        """What an OUT parameter gets to write on: the same type, shape and length, content not promised."""
        if type(value) is np.ndarray and not value.dtype.hasobject:
            return dumps(np.zeros_like(value))
        return self._content(value, name)

    def _pickle(self, value: Any, name: str, replace: Callable[[Any], Any]) -> bytes:
        try:
            return dumps(value, replace)
        except DhtaskError:
            raise
        except Exception as error:
            raise SerialisationError(
                f"argument {name!r} of task {self._spec.name} cannot be pickled ({error}); found "
                f"{type(value).__name__}; pass what it is made of and make it inside the task",
                name=self._spec.name,
            ) from error

    def _bind_file(self, value: Any, direction: Direction, name: str) -> Any:
        if value is None:
            return None
        if isinstance(value, Future) or not isinstance(value, str | os.PathLike):
            raise TaskDefinitionError(
                f"task {self._spec.name}: {name!r} is a file and must be given as a path, found {value!r}"
            )
        path = os.fspath(value)
        datum = self._data.files.use(path, direction)
        slot = self._access(datum, direction, name)
        self.files[slot] = FilePlace(Path(path).name, is_path=not isinstance(value, str))
        return Hole(slot)

    def _bind_collection(
        self, value: Any, parameter: Parameter, argument: int | str, name: str
    ) -> Any:
        if not isinstance(value, list | tuple):
            if parameter.direction is _READS:
                return self._bind_object(value, parameter.direction, name)
            raise TaskDefinitionError(
                f"task {self._spec.name}: {name!r} is a collection and must be given as a list, found {value!r}"
            )
        if parameter.direction is not _READS and isinstance(value, list):
            self._data.containers.track(value, 0)
        items = [
            self._bind_element(
                value, index, parameter.direction, parameter.depth - 1, argument, (index,), name
            )
            for index in range(len(value))
        ]
        return items if isinstance(value, list) else tuple(items)

    def _bind_element(
        self,
        container: Any,
        index: int,
        direction: Direction,
        depth: int,
        argument: int | str,
        path: tuple[int, ...],
        name: str,
    ) -> Any:
        item = container[index]
        if depth and isinstance(item, list | tuple):
            if direction is not _READS and isinstance(item, list):
                self._data.containers.track(item, 0)
            items = [
                self._bind_element(item, i, direction, depth - 1, argument, (*path, i), name)
                for i in range(len(item))
            ]
            return items if isinstance(item, list) else tuple(items)
        if direction is _READS:
            return item if type(item) in ATOMS else self._bind_object(item, direction, name)
        slot = self._bind_written_element(container, index, item, direction, name)
        self.elements.append(ElementPlace(slot, argument, path))
        return Hole(slot)

    def _bind_written_element(
        self, container: Any, index: int, item: Any, direction: Direction, name: str
    ) -> str:
        """Slot of an element that the task may replace; what has no identity of its own becomes a future."""
        if isinstance(item, Future):
            datum = self._data.of_future(item)
            return self._access(datum, direction, name)
        if isinstance(item, _CONSTANT):
            if not isinstance(container, list):
                raise TaskDefinitionError(
                    f"task {self._spec.name}: the elements of {name!r} are written, so it must be a list, "
                    f"found {container!r}"
                )
            future = self._data.new_future(f"element {index} of {name} of {self._spec.name}")
            datum = self._data.of_future(future)
            if direction is not Direction.OUT:
                self._data.put(datum, dumps(item))
            container[index] = future
            self.futures.append(future)
            return self._access(datum, direction, name)
        return self._track(item, direction, name)


def _stronger(one: Direction, other: Direction) -> Direction:
    """Direction of a datum that one task uses in two ways."""
    pair = {one, other}
    if pair <= {Direction.IN, Direction.CONCURRENT}:
        return Direction.CONCURRENT
    return Direction.INOUT

"""What keeps tasks from seeing each other's changes although values stay in memory, shared, between them.

*Lending* prepares a stored value for a run. A value that the task may change is the stored object itself when
nobody else can see it, else a copy. A value that it only reads is not copied where that can be helped: arrays become
read-only views, also inside lists, tuples and dicts (which are rebuilt), and only other mutable objects are copied.

*Detaching* comes after the run: an output may hold memory that belongs to a stored value (a task that returns
its argument, keeps it in an attribute, or returns a part of what it changes in place). Such an output is
copied. That is told by reference counts: an object that only the result refers to is shared with nobody.
"""

from __future__ import annotations

import copy
import pickle
import sys
from collections import Counter
from typing import Any, Final

import numpy as np

from dhtask._executors.portable import dumps

#: Types whose objects nobody can change.
IMMUTABLE: Final = frozenset(
    {int, float, bool, complex, str, bytes, type(None), range, slice, type(Ellipsis), type}
) | {np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
     np.float16, np.float32, np.float64, np.complex64, np.complex128}  # fmt: skip


def copy_value(value: Any) -> Any:
    """A copy that shares nothing that can change."""
    if type(value) in IMMUTABLE:
        return value
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - user classes may forbid deepcopy in any way and still pickle
        return pickle.loads(dumps(value))


class Loans:
    """The values lent to one run, and what may still refer to them afterwards."""

    __slots__ = ("_counts", "_has_changing", "_owners")

    def __init__(self) -> None:
        self._owners: list[Any] = []
        self._counts: list[int] = []
        self._has_changing = False

    def lend(self, value: Any, *, may_change: bool, is_exclusive: bool) -> Any:
        """Prepare a stored value for the run."""
        if type(value) in IMMUTABLE:
            return value
        if may_change:
            self._has_changing = True
            return _writable(value) if is_exclusive else copy_value(value)
        return self._read_only(value, {}, is_exclusive=is_exclusive)

    def _read_only(self, value: Any, seen: dict[int, Any], *, is_exclusive: bool) -> Any:
        kind = type(value)
        if kind in IMMUTABLE:
            return value
        if id(value) in seen:
            return seen[id(value)]
        lent: Any
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            lent = value.view()
            lent.flags.writeable = False
            # Views of the view will refer to this one too.
            self._owners.append(lent.base)
        elif kind is list:
            seen[id(value)] = lent = []
            lent.extend(self._read_only(item, seen, is_exclusive=is_exclusive) for item in value)
        elif kind is dict:
            seen[id(value)] = lent = {}
            for key, item in value.items():
                lent[key] = self._read_only(item, seen, is_exclusive=is_exclusive)
        elif kind is tuple:
            lent = tuple(self._read_only(item, seen, is_exclusive=is_exclusive) for item in value)
        else:
            lent = value if is_exclusive else copy_value(value)
        seen[id(value)] = lent
        return lent

    def begin(self) -> None:
        """Count who refers to what was lent, the views aside; to be asked just before the body runs."""
        views = Counter(map(id, self._owners))
        counted = self._references()
        self._counts = [
            count - views[address]
            for count, address in zip(counted, map(id, self._owners), strict=True)
        ]

    def has_escaped(self) -> bool:
        """Whether more refers to a lent array than before; to be asked when the arguments are gone."""
        counts = self._references()
        return any(now > before for now, before in zip(counts, self._counts, strict=True))

    def _references(self) -> list[int]:
        return [sys.getrefcount(owner) for owner in self._owners]

    def detach(self, outputs: list[Any], changed: frozenset[int]) -> None:
        """Copy, in place of the list, the outputs that share memory with a stored value.

        Args:
            outputs: the values; nothing else of the run may refer to them any more.
            changed: positions of the objects that were lent to be changed.
        """
        if self.has_escaped():
            outputs[:] = [copy_value(value) for value in outputs]
            return
        if not self._has_changing and len(outputs) < 2:
            return
        for position in range(len(outputs)):
            if position not in changed:
                value = outputs.pop(position)
                # Two references are the variable and the argument of getrefcount.
                alone = _is_alone(value, 3)
                outputs.insert(position, value if alone else copy_value(value))


def _is_alone(value: Any, expected: int) -> bool:
    """Whether nothing outside refers to the object or to anything inside it."""
    kind = type(value)
    if kind in IMMUTABLE:
        return True
    if sys.getrefcount(value) > expected:
        return False
    if kind is np.ndarray:
        return _array_is_alone(value)
    if kind is list or kind is tuple:
        # The list, the loop variable, the argument here and that of getrefcount.
        return all(_is_alone(item, 4) for item in value)
    if kind is dict:
        return all(_is_alone(item, 4) for item in value.values())
    return False


def _array_is_alone(array: np.ndarray[Any, Any]) -> bool:
    if array.dtype.hasobject:
        return False
    base: Any = array.base
    # The view, the variable and the argument of getrefcount.
    return base is None or (
        isinstance(base, np.ndarray) and base.base is None and sys.getrefcount(base) == 3
    )


def _writable(value: Any, seen: set[int] | None = None) -> Any:
    """The object itself, its arrays writable."""
    kind = type(value)
    if isinstance(value, np.ndarray):
        return value if value.flags.writeable else value.copy()
    if kind is not list and kind is not dict:
        return value
    seen = set() if seen is None else seen
    if id(value) not in seen:
        seen.add(id(value))
        for key, item in list(enumerate(value) if kind is list else value.items()):
            if isinstance(item, np.ndarray | list | dict):
                value[key] = _writable(item, seen)
    return value

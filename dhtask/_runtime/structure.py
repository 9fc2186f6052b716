"""Containers that the runtime looks into: lists, tuples (named ones too), dicts, dataclasses."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Final

_CONTAINERS: Final = (list, tuple, dict)


def _always(_value: Any) -> bool:
    return True


def _never(_value: Any) -> bool:
    return False


def replace_leaves(
    value: Any,
    leaf: Callable[[Any], Any],
    *,
    descend: Callable[[Any], bool] = _always,
    keep: Callable[[Any], bool] = _never,
) -> Any:
    """The same structure in new containers, with ``leaf`` applied to everything that is no container.

    Containers that contain themselves stay that way. A tuple or a dataclass in which nothing changes is kept.

    Args:
        value: the structure.
        leaf: gives what takes the place of a leaf.
        descend: whether to look into a container; otherwise it is a leaf.
        keep: whether a list gets its new elements itself instead of being made anew.
    """
    return _Replacement(leaf, descend, keep).of(value)


class _Replacement:
    """One walk through a structure."""

    def __init__(
        self,
        leaf: Callable[[Any], Any],
        descend: Callable[[Any], bool],
        keep: Callable[[Any], bool],
    ) -> None:
        self._leaf = leaf
        self._descend = descend
        self._keep = keep
        self._seen: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        kind = type(value)
        if id(value) in self._seen:
            return self._seen[id(value)]
        if not self._descend(value):
            return self._leaf(value)
        result: Any
        if kind is list:
            self._seen[id(value)] = result = value if self._keep(value) else []
            result[:] = [self.of(item) for item in value]
            return result
        if kind is dict:
            self._seen[id(value)] = result = {}
            result.update((self.of(k), self.of(v)) for k, v in value.items())
            return result
        if isinstance(value, tuple):
            items = [self.of(item) for item in value]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            return tuple(items) if kind is tuple else kind(*items)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._of_fields(value)
        return self._leaf(value)

    def _of_fields(self, value: Any) -> Any:
        changed = {}
        self._seen[id(value)] = value
        for field in dataclasses.fields(value):
            old = getattr(value, field.name, None)
            new = self.of(old)
            if new is not old and not (type(old) in _CONTAINERS and _same_items(new, old)):
                changed[field.name] = new
        if not changed:
            return value
        result = copy.copy(value)
        for name, item in changed.items():
            object.__setattr__(result, name, item)
        return result


def _same_items(new: Any, old: Any) -> bool:
    """Whether a rebuilt container holds the very same objects."""
    if type(new) is dict:
        return all(new[k] is v or _same_items(new[k], v) for k, v in old.items() if k in new)
    if type(new) in {list, tuple}:
        return all(a is b or _same_items(a, b) for a, b in zip(new, old, strict=True))
    return False


def leaves(value: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Everything in a structure that is no container, each container itself first."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    yield value
    if isinstance(value, list | tuple | dict) or (
        dataclasses.is_dataclass(value) and not isinstance(value, type)
    ):
        seen.add(id(value))
    if isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item, seen)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(key, seen)
            yield from leaves(item, seen)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from leaves(getattr(value, field.name, None), seen)

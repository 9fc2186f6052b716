"""Containers in Dask's hands: sent as one, because Dask would send their items one by one.

Items that arrive one by one share nothing any more: the same object in two places would become two objects.
"""

from __future__ import annotations

from typing import Any, Final, final

_TAKEN_APART: Final = frozenset({list, tuple, set, dict})


@final
class Whole:
    """A container that Dask may not look into."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> tuple[type[Whole], tuple[Any]]:
        return Whole, (self.value,)

    def __sizeof__(self) -> int:
        # Dask decides by it where to run what reads the value.
        from dask.sizeof import sizeof

        return int(sizeof(self.value))


def pack(value: Any) -> Any:
    """A value as Dask keeps it."""
    return Whole(value) if type(value) in _TAKEN_APART else value


def unpack(value: Any) -> Any:
    """The value that Dask kept."""
    return value.value if type(value) is Whole else value

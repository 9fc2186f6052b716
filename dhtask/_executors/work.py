"""What a worker needs in order to run a task, besides the versions that the graph chose."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import NamedTuple

from dhtask._model.constraint import NO_CONSTRAINT, Constraint
from dhtask._model.invocation import Version


class FilePlace(NamedTuple):
    """A parameter that names a file."""

    #: Last part of the path, which every version keeps: programs look at the suffix.
    name: str
    #: Whether the program gave a ``Path`` rather than a string.
    is_path: bool


class StoredFile(NamedTuple):
    """The content of one version of a file: where it is."""

    path: str


class ElementPlace(NamedTuple):
    """An element of a collection that the task writes."""

    slot: str
    #: Number of the positional argument, or name of the keyword argument.
    argument: int | str
    #: Index in each of the nested lists.
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """A task call, ready to travel."""

    name: str
    #: The function: pickled, by reference where workers can import it.
    function: bytes
    #: Positional and keyword arguments, pickled with `Hole` and `Pickled` inside.
    arguments: bytes
    #: Number of returned values kept; their slots are ``r0``, ``r1`` ...
    returns: int
    #: Whether several values are returned as a sequence.
    returns_list: bool
    #: Slots whose value the task may change although no new version comes of it.
    scratch: frozenset[str] = frozenset()
    #: What OUT parameters get to write on, by slot, pickled.
    blanks: dict[str, bytes] = field(default_factory=dict)
    elements: tuple[ElementPlace, ...] = ()
    files: dict[str, FilePlace] = field(default_factory=dict)
    #: Where versions of files are kept.
    directory: str = ""
    constraint: Constraint = NO_CONSTRAINT
    #: Whether somebody watches: then the worker reports each run.
    is_watched: bool = False

    def file_of(self, slot: str, version: Version) -> str:
        """Path of a version of a file that this task writes."""
        return version_path(self.directory, version, self.files[slot].name)


def version_path(directory: str, version: Version, name: str) -> str:
    """Path of a version of a file: each has a folder of its own, so that it keeps its name."""
    return os.path.join(directory, version.label, name)  # noqa: PTH118 - strings travel cheaper than paths

"""Which files results in memory were made from, however indirectly.

A result that dies with its worker is made again from what it was made from. Memory is the executor's business; but
a file is gone once it is removed. So a version of a file is removed only when nobody will read it and no result that
lives in memory alone descends from it. What a task wrote into a file is safe on disk: descent ends there.
"""

from __future__ import annotations

from collections import Counter

from dhtask._model.instructions import Run
from dhtask._model.invocation import Version

_NONE: frozenset[Version] = frozenset()


class Lineage:
    """Descent of results from files."""

    __slots__ = ("_ancestors", "_descendants", "_waiting")

    def __init__(self) -> None:
        #: Files that a result descends from; results without any are not listed.
        self._ancestors: dict[Version, frozenset[Version]] = {}
        #: How many results descend from a file.
        self._descendants: Counter[Version] = Counter()
        #: Files that nobody will read, but from which results descend.
        self._waiting: set[Version] = set()

    def submitted(self, run: Run, files: frozenset[str]) -> None:
        """Learn what a run reads and writes.

        Args:
            run: the run.
            files: its slots that are files.
        """
        if not files and not self._ancestors:
            return
        ancestors = _NONE.union(
            *(
                {read.version} if read.slot in files else self._ancestors.get(read.version, _NONE)
                for read in run.reads
            )
        )
        for write in run.writes:
            if write.slot not in files and ancestors and write.version not in self._ancestors:
                self._ancestors[write.version] = ancestors
                self._descendants.update(ancestors)

    def released(self, version: Version, *, is_file: bool) -> list[Version]:
        """Learn that nobody will read a version; the files that can be removed now."""
        if is_file:
            if self._descendants[version] > 0:
                self._waiting.add(version)
                return []
            return [version]
        free = []
        for ancestor in self._ancestors.pop(version, _NONE):
            self._descendants[ancestor] -= 1
            if self._descendants[ancestor] <= 0:
                del self._descendants[ancestor]
                if ancestor in self._waiting:
                    self._waiting.discard(ancestor)
                    free.append(ancestor)
        return free

"""Names of what Dask computes: readable on its dashboard, unique in the cluster."""

from __future__ import annotations

import re
from typing import Final

from dhtask._model.invocation import Version

_RUN: Final = re.compile(r"-t(\d+)a(\d+)-\w+$")
_UNUSUAL: Final = re.compile(r"[^\w.]+")


class KeyNames:
    """Names for one run of one program; a cluster may serve several at once.

    Dask takes what stands before the first dash followed by letters and digits as the name of the function.
    """

    __slots__ = ("_run",)

    def __init__(self, run: str) -> None:
        self._run = run

    def task(self, name: str, task: int, attempt: int) -> str:
        """Key of a run: ``square-t12a1-3f2a``."""
        return f"{_UNUSUAL.sub('_', name)}-t{task}a{attempt}-{self._run}"

    def pick(self, name: str, position: int, task: int, attempt: int) -> str:
        """Key of one of several outputs of a run."""
        return f"{_UNUSUAL.sub('_', name)}.output{position}-t{task}a{attempt}-{self._run}"

    @staticmethod
    def run_of(key: str) -> tuple[int, int] | None:
        """Task and attempt that a key belongs to; None for the key of data."""
        found = _RUN.search(key)
        return None if found is None else (int(found[1]), int(found[2]))

    def data(self, version: Version) -> str:
        """Key of a version that no task made."""
        return f"data-{version.label}-{self._run}"

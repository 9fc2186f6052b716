"""Files of the program that tasks use: each version is a file of its own, and the newest comes home.

The runtime's folder holds ``d3v2/name.txt`` for version 2 of datum 3. A file that the program wrote is copied there
when a task is called with it (linked when it is very large), so that the program may write it again at
once. Whether it did is told by its inode, size and time of change.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dhtask._executors.work import StoredFile, version_path
from dhtask._model.direction import Direction
from dhtask._model.invocation import DatumId, Version

#: A file of the program that is larger than this is linked, not copied, when a task is called with it.
_COPIED_BYTES: Final = 64 * 1024 * 1024

Signature = tuple[int, int, int]


@dataclass(slots=True)
class FileRecord:
    """One path that tasks use."""

    datum: DatumId
    home: str
    #: What the file at home looked like when its content and that of the datum were last the same.
    signature: Signature | None
    #: Whether a task was called that writes it, and the outcome has not come home.
    is_away: bool


class FileStore:
    """Which datum a path is, and where its versions are.

    Args:
        directory: folder for the versions.
        new_datum: gives the number of a datum.
        put: tells the graph that a datum has content, which is this.
    """

    def __init__(
        self,
        directory: str,
        new_datum: Callable[[], DatumId],
        put: Callable[[DatumId, StoredFile], None],
    ) -> None:
        self.directory = directory
        self._new_datum = new_datum
        self._put = put
        self._records: dict[str, FileRecord] = {}
        self._names: dict[DatumId, str] = {}
        #: Versions that are not where a task would have written them.
        self._elsewhere: dict[Version, str] = {}
        self._snapshots = itertools.count()

    def use(self, path: str, direction: Direction) -> DatumId:
        """The datum of a path that a task is called with."""
        home = os.path.abspath(path)  # noqa: PTH100 - Path.resolve would follow links
        record = self._records.get(home)
        if record is None:
            record = FileRecord(self._new_datum(), home, None, is_away=False)
            self._records[home] = record
            self._names[record.datum] = Path(home).name
            must_read = True
        else:
            must_read = not record.is_away and _signature(home) != record.signature
        if must_read and direction is not Direction.OUT:
            record.signature = _signature(home)
            self._put(record.datum, self._snapshot(home))
        if direction is not Direction.IN:
            record.is_away = True
        return record.datum

    def _snapshot(self, home: str) -> StoredFile:
        source = Path(home)
        if not source.is_file():
            return StoredFile(home)
        folder = Path(self.directory) / f"given{next(self._snapshots)}"
        folder.mkdir(parents=True)
        target = folder / source.name
        if source.stat().st_size > _COPIED_BYTES:
            try:
                target.hardlink_to(source)
            except OSError:
                shutil.copyfile(source, target)
        else:
            shutil.copyfile(source, target)
        return StoredFile(str(target))

    def is_file(self, datum: DatumId) -> bool:
        """Whether a datum is a file."""
        return datum in self._names

    def away(self, paths: Iterable[str] | None = None) -> list[FileRecord]:
        """Files whose newest version is not at home: of these paths, or all."""
        if paths is None:
            return [record for record in self._records.values() if record.is_away]
        homes = dict.fromkeys(os.path.abspath(path) for path in paths)  # noqa: PTH100 - as in use
        found = (self._records.get(home) for home in homes)
        return [record for record in found if record is not None and record.is_away]

    def path_of(self, version: Version) -> str:
        """Where a version is."""
        known = self._elsewhere.get(version)
        return known or version_path(self.directory, version, self._names[version.datum])

    def stored(self, version: Version, file: StoredFile) -> None:
        """Learn where the content is that the program put."""
        self._elsewhere[version] = file.path

    def make_default(self, version: Version, source: str | None) -> StoredFile:
        """Give a version content without a task: that of a file, or none at all."""
        path = Path(version_path(self.directory, version, self._names[version.datum]))
        path.parent.mkdir(parents=True, exist_ok=True)
        if source is not None and Path(source).is_file():
            shutil.copyfile(source, path)
        return StoredFile(str(path))

    def bring_home(self, record: FileRecord, version: Version) -> None:
        """Put a version at the path of the program, at once as a whole."""
        source = Path(self.path_of(version))
        home = Path(record.home)
        if source.is_file() and source != home:
            draft = home.with_name(f".{home.name}.dhtask-{os.getpid()}")
            shutil.copyfile(source, draft)
            draft.replace(home)
        record.signature = _signature(record.home)
        record.is_away = False

    def release(self, version: Version) -> None:
        """Remove the file of a version that nobody will read again."""
        if version.datum not in self._names:
            return
        path = Path(self.path_of(version))
        self._elsewhere.pop(version, None)
        if path.is_relative_to(self.directory):
            shutil.rmtree(path.parent, ignore_errors=True)

    def forget(self, path: str) -> DatumId | None:
        """Drop a path; the datum it was."""
        record = self._records.pop(os.path.abspath(path), None)  # noqa: PTH100 - as in use
        return None if record is None else record.datum

    def close(self) -> None:
        """Remove the folder of the run."""
        shutil.rmtree(self.directory, ignore_errors=True)


def _signature(path: str) -> Signature | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns

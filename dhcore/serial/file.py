"""States in files, written so that there is a whole one at every moment.

The new file is written beside the old one, forced to the disk, and renamed over it.
"""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Final

from dhcore.nn import State
from dhcore.serial.encoding import decoded, encoded, encoded_size
from dhcore.serial.errors import DiskFullError, StateFormatError

#: The disk, the user's share of it, or the largest file allowed.
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def save(path: str | os.PathLike[str], state: State) -> None:
    """Write a state, replacing what is at the path in one step.

    Args:
        path: of the file; its folder exists.
        state: what to write.

    Raises:
        DiskFullError: it does not fit; the file that was there is intact.
        OSError: the path cannot be written.

    >>> import numpy as np
    >>> save("weights.state", State(np.ones(2, np.float32), np.zeros(0, np.float32), step=3))
    >>> load("weights.state").step
    3
    """
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.partial")
    try:
        with partial.open("wb") as file:
            for piece in encoded(state):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
        _settle(target.parent)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in _FULL:
            reason = error.strerror or str(error)
            raise DiskFullError(target, encoded_size(state), reason) from error
        raise


def load(path: str | os.PathLike[str]) -> State:
    """Read a state.

    Raises:
        FileNotFoundError: there is no such file.
        StateFormatError: it is no state, is cut off or changed, or comes from a later version.
    """
    source = Path(path)
    if source.is_dir():
        raise StateFormatError(str(source), "a folder, not a state")
    with source.open("rb") as file:
        return decoded(file, str(source))


def _settle(folder: Path) -> None:
    """Force the rename itself to the disk, where folders can be synchronised."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

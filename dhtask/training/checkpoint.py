"""Checkpoints: the state that opens the next epoch, with the history that led to it.

A folder holds ``last.checkpoint`` and ``best.checkpoint``. A file is a line that names the format, the SHA-256 of what
follows, and that: a msgpack map. It is written beside the old one and renamed over it once it lies on the disk, so
there is a whole checkpoint at every moment.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import msgpack

from dhcore import serial
from dhcore.nn import State
from dhtask.training.configuration import TrainingConfig
from dhtask.training.errors import CheckpointError, ResumeError
from dhtask.training.result import EpochRecord

_MAGIC = b"deephealth checkpoint 1\n"
_DIGEST_BYTES = 32

LAST = "last.checkpoint"
BEST = "best.checkpoint"


@final
@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A training at the end of an epoch."""

    state: State
    history: tuple[EpochRecord, ...]
    #: Number of the best epoch so far.
    best_epoch: int
    #: :meth:`TrainingConfig.description` of the training that wrote it.
    configuration: Mapping[str, object]
    #: Number of samples of every partition.
    sizes: tuple[int, ...]

    def check(self, config: TrainingConfig, sizes: tuple[int, ...]) -> None:
        """Refuse to go on with other values than the checkpoint was made with.

        Raises:
            ResumeError: names every value that differs, with both.
        """
        wanted = {**config.description(), "sizes of the partitions": list(sizes)}
        found = {**self.configuration, "sizes of the partitions": list(self.sizes)}
        differing = [
            f"{name} {found.get(name)!r} there, {wanted.get(name)!r} here"
            for name in sorted(wanted.keys() | found.keys())
            if wanted.get(name) != found.get(name)
        ]
        if differing:
            raise ResumeError(
                f"the checkpoint was made by another training: {'; '.join(differing)}; "
                "train with its values (the schedule of an optimizer follows the number of epochs), "
                "or into another folder"
            )


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> int:
    """Replace the checkpoint at ``path`` in one step.

    Returns:
        Bytes written.

    Raises:
        CheckpointError: it cannot be written; the checkpoint before is untouched.
    """
    payload = msgpack.packb(
        {
            "state": serial.dumps(checkpoint.state),
            "history": [dataclasses.asdict(record) for record in checkpoint.history],
            "best_epoch": checkpoint.best_epoch,
            "configuration": dict(checkpoint.configuration),
            "sizes": list(checkpoint.sizes),
        }
    )
    content = _MAGIC + hashlib.sha256(payload).digest() + payload
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_through(partial, content)
        partial.replace(path)
    except OSError as error:
        if partial.is_file():
            partial.unlink()
        raise CheckpointError(
            path,
            f"cannot write a checkpoint of {len(content)} bytes: {error.strerror or error}; "
            f"{'the one before is intact' if path.exists() else 'there was none before'}",
        ) from error
    return len(content)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and verify that it is whole.

    Raises:
        CheckpointError: it cannot be read, is no checkpoint, or is damaged.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(path, f"cannot read: {error.strerror}") from error
    if not content.startswith(_MAGIC):
        raise CheckpointError(path, "not a checkpoint of this version")
    digest, payload = content[len(_MAGIC) :][:_DIGEST_BYTES], content[len(_MAGIC) + _DIGEST_BYTES :]
    if hashlib.sha256(payload).digest() != digest:
        raise CheckpointError(path, "damaged: its checksum does not match; delete it to begin anew")
    fields: dict[str, Any] = msgpack.unpackb(payload)
    return Checkpoint(
        state=serial.loads(fields["state"]),
        history=tuple(EpochRecord(**record) for record in fields["history"]),
        best_epoch=fields["best_epoch"],
        configuration=fields["configuration"],
        sizes=tuple(fields["sizes"]),
    )

"""A state as bytes: a stream of msgpack objects, no code in it.

::

    header    {"format": "dhcore.state", "version": 1, "step": 120, "arrays": [{"name", "dtype", "shape"}, ...]}
    bin ...   the elements of each array in order, little-endian, in pieces of at most 64 MiB
    trailer   {"sha256": of all that stands before it}

A file that was cut off has no trailer; one that was changed has another sum.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import msgpack
import numpy as np
from numpy.typing import NDArray

from dhcore.nn import State
from dhcore.serial.errors import StateFormatError

_FORMAT: Final = "dhcore.state"
_VERSION: Final = 1
_DTYPE: Final = "<f4"
# msgpack holds up to 4 GiB in one object; small pieces also keep the copies small.
_PIECE: Final = 64 * 2**20
_OPTIMIZER: Final = "optimizer."


def encoded(state: State) -> Iterator[bytes]:
    """The bytes of a state, piece by piece."""
    arrays = state.arrays()
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "step": state.step,
        "arrays": [
            {"name": name, "dtype": _DTYPE, "shape": list(array.shape)}
            for name, array in arrays.items()
        ],
    }
    digest = hashlib.sha256()
    for piece in _body(header, list(arrays.values())):
        digest.update(piece)
        yield piece
    yield _packed({"sha256": digest.digest()})


def encoded_size(state: State) -> int:
    """Number of bytes that a state takes, rounded up a little."""
    return sum(array.nbytes for array in state.arrays().values()) + 1024


def dumps(state: State) -> bytes:
    """A state as bytes; equal states give equal bytes.

    >>> state = State(np.arange(3, dtype=np.float32), np.zeros(0, np.float32), step=7)
    >>> loads(dumps(state)).equals(state)
    True
    """
    return b"".join(encoded(state))


def loads(data: bytes) -> State:
    """The state that bytes hold.

    Raises:
        StateFormatError: they are no state, are cut off or changed, or come from a later version.
    """
    return decoded(io.BytesIO(data), f"{len(data):,} bytes")


def decoded(stream: BinaryIO, source: str) -> State:
    """The state that a stream holds, checked before it is read; errors name its source."""
    _check_header(_objects(stream), source)
    _check_sum(stream, source)
    objects = _objects(stream)
    header = next(objects)
    try:
        arrays = {entry["name"]: _array(entry, objects) for entry in header["arrays"]}
        slots = {
            name.removeprefix(_OPTIMIZER): array
            for name, array in arrays.items()
            if name.startswith(_OPTIMIZER)
        }
        return State(arrays["parameters"], arrays["buffers"], slots, int(header["step"]))
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        # The sum was right: whoever wrote this is not this release.
        raise StateFormatError(source, f"its content contradicts its header: {error!r}") from None


def _body(header: dict[str, Any], arrays: list[NDArray[np.float32]]) -> Iterator[bytes]:
    yield _packed(header)
    for array in arrays:
        content = np.ascontiguousarray(array, _DTYPE).view(np.uint8)
        for start in range(0, content.size, _PIECE):
            yield _packed(content[start : start + _PIECE].tobytes())


def _packed(value: object) -> bytes:
    return bytes(msgpack.packb(value))


#: Length of the trailer: one map of one digest.
_TRAILER: Final = len(_packed({"sha256": bytes(32)}))


def _objects(stream: BinaryIO) -> Iterator[Any]:
    stream.seek(0)
    return iter(msgpack.Unpacker(stream, max_buffer_size=0, read_size=2**20))


def _check_header(objects: Iterator[Any], source: str) -> None:
    try:
        header = next(objects)
    except StopIteration:
        raise StateFormatError(source, "empty, or cut off within its header") from None
    except (ValueError, TypeError, msgpack.UnpackException):
        header = None
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise StateFormatError(source, "not a state: it does not begin like one")
    version = header.get("version")
    if version != _VERSION:
        raise StateFormatError(
            source, f"a state of version {version!r}; this release reads version {_VERSION}"
        )


def _check_sum(stream: BinaryIO, source: str) -> None:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    digest, left = hashlib.sha256(), size - _TRAILER
    while left > 0:
        piece = stream.read(min(left, _PIECE))
        digest.update(piece)
        left -= len(piece)
    trailer = stream.read()
    if trailer[:-32] != _packed({"sha256": bytes(32)})[:-32]:
        problem = "cut off: it ends before its checksum; the copy or download was interrupted"
        raise StateFormatError(source, problem)
    if trailer[-32:] != digest.digest():
        raise StateFormatError(source, "damaged: its checksum does not match its content")


def _array(entry: dict[str, Any], objects: Iterator[Any]) -> NDArray[np.float32]:
    if entry["dtype"] != _DTYPE:
        raise ValueError(f"{entry['name']}: expected {_DTYPE!r}, found {entry['dtype']!r}")
    array = np.empty(tuple(entry["shape"]), np.float32)
    flat, done = array.reshape(-1), 0
    while done < flat.size:
        piece = np.frombuffer(next(objects), _DTYPE)
        flat[done : done + piece.size] = piece
        done += piece.size
    return array

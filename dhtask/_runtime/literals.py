"""Large values that the program passes to tasks: stored once per content, however often they are passed."""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from dhtask._model.invocation import DatumId

#: From this size on a value gets a key of its own and is sent once; below, it travels with the call.
LARGE: Final = 32 * 1024
#: Literals that no call uses are kept for the next one, up to this many bytes in all.
_KEPT_BYTES: Final = 256 * 1024 * 1024


class LiteralStore:
    """Which datum a content is.

    Args:
        put: makes a datum of pickled content.
        forget: told the datum of a content that is not kept any longer.
    """

    __slots__ = ("_bytes", "_data", "_forget", "_frozen", "_put")

    def __init__(self, put: Callable[[bytes], DatumId], forget: Callable[[DatumId], None]) -> None:
        self._put = put
        self._forget = forget
        #: Digest of the content to datum and size, least recently used first.
        self._data: OrderedDict[bytes, tuple[DatumId, int]] = OrderedDict()
        #: Address of a read-only array to a reference to it and the digest of its content.
        self._frozen: dict[int, tuple[weakref.ref[Any], bytes]] = {}
        self._bytes = 0

    def of_bytes(self, data: bytes) -> DatumId:
        """The datum of content that is pickled already."""
        return self._lookup(hashlib.blake2b(data, digest_size=20).digest(), lambda: data)

    def of_array(self, array: np.ndarray[Any, Any], pickled: Callable[[], bytes]) -> DatumId:
        """The datum of an array; one that nobody can change is not read again."""
        entry = self._frozen.get(id(array))
        if entry is not None and entry[0]() is array:
            return self._lookup(entry[1], pickled)
        contiguous = np.ascontiguousarray(array)
        digest = hashlib.blake2b(digest_size=20)
        digest.update(f"{array.dtype.str}{array.shape}{array.flags.f_contiguous}".encode())
        digest.update(contiguous.view(np.uint8).reshape(-1).data)
        key = digest.digest()
        if is_frozen(array):
            address = id(array)
            reference = weakref.ref(array, lambda _dead: self._frozen.pop(address, None))
            self._frozen[address] = (reference, key)
        return self._lookup(key, pickled)

    def _lookup(self, digest: bytes, pickled: Callable[[], bytes]) -> DatumId:
        known = self._data.get(digest)
        if known is not None:
            self._data.move_to_end(digest)
            return known[0]
        data = pickled()
        datum = self._put(data)
        self._data[digest] = (datum, len(data))
        self._bytes += len(data)
        return datum

    def trim(self) -> None:
        """Give up the literals that were not used for the longest time, if there are too many bytes of them."""
        while self._bytes > _KEPT_BYTES and len(self._data) > 1:
            _digest, (datum, size) = self._data.popitem(last=False)
            self._bytes -= size
            self._forget(datum)

    def clear(self) -> None:
        """Forget everything, telling nobody."""
        self._data.clear()
        self._frozen.clear()
        self._bytes = 0


def is_frozen(array: np.ndarray[Any, Any]) -> bool:
    """Whether nobody can change the content: neither the array nor what it is a view of can be written."""
    layer: Any = array
    while isinstance(layer, np.ndarray):
        if layer.flags.writeable:
            return False
        layer = layer.base
    return layer is None or isinstance(layer, bytes)

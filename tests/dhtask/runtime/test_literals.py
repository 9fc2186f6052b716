"""Large inputs are stored once per content."""

from __future__ import annotations

import numpy as np
import pytest

from dhtask._executors.portable import dumps
from dhtask._runtime import literals
from dhtask._runtime.literals import LiteralStore, is_frozen


class Puts:
    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.dropped: list[int] = []

    def store(self) -> LiteralStore:
        return LiteralStore(self.put, self.dropped.append)

    def put(self, data: bytes) -> int:
        self.contents.append(data)
        return len(self.contents)


def test_the_same_content_is_the_same_datum() -> None:
    puts = Puts()
    store = puts.store()
    array = np.arange(6.0)
    datum = store.of_array(array, lambda: dumps(array))
    assert store.of_array(array.copy(), lambda: dumps(array)) == datum
    for other in (
        array.reshape(2, 3),
        array.astype("f4"),
        array + 1,
        np.asfortranarray(array.reshape(2, 3)),
    ):
        assert store.of_array(other, lambda other=other: dumps(other)) != datum
    assert store.of_bytes(b"x") == store.of_bytes(b"x")


def test_a_read_only_array_is_not_read_again() -> None:
    puts = Puts()
    store = puts.store()
    frozen = np.arange(4.0)
    frozen.flags.writeable = False
    datum = store.of_array(frozen, lambda: dumps(frozen))
    frozen.flags.writeable = True
    frozen[0] = 9
    assert store.of_array(frozen, lambda: b"never") == datum
    changing = np.arange(4.0)
    first = store.of_array(changing, lambda: dumps(changing))
    changing[0] = 9
    assert store.of_array(changing, lambda: dumps(changing)) != first


def test_a_view_of_what_can_be_written_is_not_frozen() -> None:
    array = np.zeros(3)
    view = array[:]
    view.flags.writeable = False
    assert not is_frozen(view)
    assert is_frozen(np.frombuffer(b"abcd", dtype="u1"))


def test_what_was_not_used_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(literals, "_KEPT_BYTES", 10)
    puts = Puts()
    store = puts.store()
    one, two = store.of_bytes(b"1" * 4), store.of_bytes(b"2" * 4)
    assert store.of_bytes(b"1" * 4) == one
    store.of_bytes(b"3" * 4)
    store.trim()
    assert puts.dropped == [two]

"""States survive the trip through bytes and files; what is no state is refused with a reason."""

from __future__ import annotations

import pickle
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhcore import serial
from dhcore.nn import State


def some_state(seed: int = 0, parameters: int = 1000, step: int = 12) -> State:
    draw = np.random.default_rng(seed)

    def flat(size: int) -> np.ndarray:
        return draw.standard_normal(size).astype(np.float32)

    slots = {"mean": flat(parameters), "square": flat(parameters)}
    return State(flat(parameters), flat(7), slots, step)


@given(seed=st.integers(0, 9), size=st.integers(0, 40), step=st.integers(0, 2**40))
@settings(max_examples=30, deadline=None)
def test_a_state_comes_back_bit_by_bit(seed: int, size: int, step: int) -> None:
    state = some_state(seed, size, step)
    assert serial.loads(serial.dumps(state)).equals(state)


def test_values_that_are_no_numbers_survive() -> None:
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45], np.float32)
    state = State(odd, odd)
    assert serial.loads(serial.dumps(state)).equals(state)


def test_arrays_longer_than_a_piece_are_cut_and_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dhcore.serial.encoding._PIECE", 64)
    state = some_state()
    assert serial.loads(serial.dumps(state)).equals(state)


def test_equal_states_give_equal_bytes_whatever_the_order_of_their_slots() -> None:
    state = some_state()
    turned = State(
        state.parameters, state.buffers, dict(reversed(state.optimizer.items())), state.step
    )
    assert serial.dumps(turned) == serial.dumps(state)


def test_a_loaded_state_may_be_changed() -> None:
    serial.loads(serial.dumps(some_state())).parameters[0] = 1.0


def test_every_cut_is_noticed() -> None:
    data = serial.dumps(some_state(parameters=30))
    for length in range(len(data)):
        with pytest.raises(serial.StateFormatError, match=r"cut off|not a state"):
            serial.loads(data[:length])


def test_every_changed_byte_is_noticed() -> None:
    data = serial.dumps(some_state(parameters=8))
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 0x10
        with pytest.raises(serial.StateFormatError):
            serial.loads(bytes(changed))


def test_what_follows_the_end_is_noticed() -> None:
    with pytest.raises(serial.StateFormatError):
        serial.loads(serial.dumps(some_state()) + b"more")


@pytest.mark.parametrize(
    "data",
    [b"\x89PNG\r\n\x1a\n" + bytes(100), pickle.dumps([1, 2]), b"PK\x03\x04", bytes(500), b"\xc1"],
    ids=["png", "pickle", "zip", "zeros", "reserved"],
)
def test_a_foreign_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "foreign.state"
    path.write_bytes(data)
    with pytest.raises(serial.StateFormatError, match=r"foreign\.state: not a state"):
        serial.load(path)


def test_an_empty_file_and_a_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(serial.StateFormatError, match="empty"):
        serial.load(tmp_path / "empty")
    with pytest.raises(serial.StateFormatError, match="folder"):
        serial.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        serial.load(tmp_path / "absent")


def test_a_later_version_is_named() -> None:
    data = msgpack.packb({"format": "dhcore.state", "version": 9})
    with pytest.raises(serial.StateFormatError, match="version 9; this release reads version 1"):
        serial.loads(data)


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "weights.state"
    for seed in range(3):
        serial.save(path, some_state(seed))
        assert serial.load(path).equals(some_state(seed))
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.state"]


def test_threads_that_save_to_one_path_leave_a_whole_state(tmp_path: Path) -> None:
    path, state = tmp_path / "weights.state", some_state(parameters=200_000)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(serial.save, path, state) for _ in range(12)]:
            done.result()
    assert serial.load(path).equals(state)
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.state"]


def test_a_full_disk_names_path_and_bytes_and_leaves_the_file_before(tmp_path: Path) -> None:
    path = tmp_path / "weights.state"
    before = some_state(parameters=10)
    serial.save(path, before)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(
            serial.DiskFullError, match=r"weights\.state: 1,[0-9,]+ bytes"
        ) as caught:
            serial.save(path, some_state(parameters=100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.path == path
    assert caught.value.needed >= 3 * 400_000
    assert serial.load(path).equals(before)
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.state"]


def test_a_folder_that_is_missing_is_the_operating_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        serial.save(tmp_path / "absent" / "weights.state", some_state())


@pytest.mark.parametrize(
    "error",
    [
        serial.DiskFullError(Path("a"), 12, "No space left on device"),
        serial.StateFormatError("a", "cut off"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_pickling(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)

from __future__ import annotations

import pickle

import numpy as np
import pytest

from dhcore._backends.cpu.onednn import library, operations
from dhcore._backends.cpu.onednn.constants import Algorithm, Argument, Query
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor
from dhcore._backends.cpu.onednn.operations import Window
from dhcore._backends.cpu.onednn.primitive import Primitive
from dhcore._plan.buffers import allocate
from dhcore.errors import DhcoreError

pytestmark = pytest.mark.skipif(library.load() is None, reason="oneDNN cannot be loaded here")


def test_an_error_names_the_call_and_the_code() -> None:
    with pytest.raises(
        library.OneDnnError, match=r"memory_desc_init_by_tag.*invalid_arguments \(2\)"
    ) as caught:
        MemoryDescriptor.tagged((2, 3), 10_000)
    assert isinstance(caught.value, DhcoreError)


def test_an_error_survives_pickling() -> None:
    error = library.OneDnnError("primitive_execute", 5)
    assert (
        str(pickle.loads(pickle.dumps(error)))
        == "oneDNN: primitive_execute returned runtime_error (5)"
    )


def test_a_blocked_layout_fills_its_channels_to_sixteen() -> None:
    assert MemoryDescriptor.blocked((2, 5, 3, 3)).size == 2 * 16 * 3 * 3 * 4


def test_equal_descriptions_are_equal() -> None:
    assert MemoryDescriptor.plain((2, 16, 3, 3)) == MemoryDescriptor.plain((2, 16, 3, 3))
    assert MemoryDescriptor.plain((2, 16, 3, 3)) != MemoryDescriptor.blocked((2, 16, 3, 3))


def test_a_reorder_moves_every_element_and_fills_with_zeros() -> None:
    values = np.arange(2 * 5 * 3 * 4, dtype=np.float32).reshape(2, 5, 3, 4)
    source, target = MemoryDescriptor.plain(values.shape), MemoryDescriptor.blocked(values.shape)
    descriptor = operations.reorder(source, target)
    memory = allocate(target.size).view(np.float32)
    memory[:] = np.nan
    scratch = allocate(descriptor.size(Query.SCRATCHPAD))
    Primitive(descriptor).bind(
        {
            Argument.SOURCE: (source, values.ctypes.data),
            Argument.RESULT: (target, memory.ctypes.data),
            Argument.SCRATCHPAD: (descriptor.memory(Query.SCRATCHPAD), scratch.ctypes.data),
        }
    )()
    blocked = memory.reshape(2, 1, 3, 4, 16)
    np.testing.assert_array_equal(blocked[:, 0, :, :, :5].transpose(0, 3, 1, 2), values)
    assert not blocked[..., 5:].any()


def test_a_kernel_of_last_resort_is_refused() -> None:
    window = Window((2, 2), (3, 3), (3, 3), (1, 1))
    source, result = (
        MemoryDescriptor.plain((1, 3, 32, 32)),
        MemoryDescriptor.blocked((1, 64, 16, 16)),
    )
    weights = MemoryDescriptor.any_order((64, 3, 7, 7))
    by_data = operations.convolution(
        "backward_data", Algorithm.CONVOLUTION_DIRECT, source, weights, None, result, window
    )
    assert by_data is None

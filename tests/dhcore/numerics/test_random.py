from __future__ import annotations

import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dhcore.random import dropout_mask, generator

#: The same examples every time; the clock of a busy machine is no property.
PROPERTY = settings(deadline=None, derandomize=True)
NAMES = st.lists(st.integers(-5, 5) | st.text(max_size=3), max_size=3)


@PROPERTY
@given(NAMES, NAMES)
def test_streams_are_equal_exactly_when_their_names_are(
    first: list[int | str], second: list[int | str]
) -> None:
    a, b = (generator(1, *name).integers(2**63, size=2) for name in (first, second))
    assert bool((a == b).all()) == (first == second)


def test_a_stream_is_the_same_in_another_process() -> None:
    code = "from dhcore.random import generator; print(generator(7, 'shuffle', 2).integers(2**62))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert int(output) == generator(7, "shuffle", 2).integers(2**62)


def test_a_longer_batch_begins_with_the_mask_of_a_shorter_one() -> None:
    long, short = (dropout_mask((samples, 5, 3), 0.3, (1, 2, 3)) for samples in (7, 4))
    np.testing.assert_array_equal(long[:4], short)


def test_a_mask_changes_with_each_part_of_its_key() -> None:
    masks = [dropout_mask((64,), 0.5, key) for key in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    assert len({mask.tobytes() for mask in masks}) == 4


def test_a_mask_keeps_the_share_that_was_asked_for() -> None:
    for rate in (0.0, 0.1, 0.5, 0.999):
        kept = dropout_mask((200_000,), rate, (5, 0, 0)).mean()
        assert abs(kept - (1 - rate)) < 5 * np.sqrt(max(rate * (1 - rate), 1e-9) / 200_000)

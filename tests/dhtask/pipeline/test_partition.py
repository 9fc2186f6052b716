"""Partitions: every sample once, sizes as even as can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhtask.pipeline import PartitionError, partition


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(n, 200), st.just(n))))
def test_blocks_cover_every_sample_once_and_differ_by_at_most_one(case: tuple[int, int]) -> None:
    count, partitions = case
    blocks = partition(count, partitions)
    assert [index for block in blocks for index in block] == list(range(count))
    assert len(blocks) == partitions
    assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_fewer_samples_than_partitions_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(
        PartitionError, match="3 partitions need at least 3 samples, found 2; ask for at most 2"
    ):
        partition(2, 3)


def test_no_partition_is_an_error() -> None:
    with pytest.raises(PartitionError, match="at least one partition, found 0"):
        partition(2, 0)

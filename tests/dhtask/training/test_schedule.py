"""Batches: every sample once an epoch, the batch shared in proportion, a pure function of seed and epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhtask.training import TrainingConfigError
from dhtask.training._schedule import batch_quotas, epoch_schedule

SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=6)


@given(SIZES, st.integers(0, 30))
def test_quotas_share_the_batch_and_leave_no_partition_out(sizes: list[int], extra: int) -> None:
    batch_size = len(sizes) + extra
    quotas = batch_quotas(batch_size, sizes)
    assert sum(quotas) == batch_size
    assert min(quotas) >= 1


@given(SIZES, st.integers(0, 30))
def test_quotas_are_within_one_of_the_exact_share_unless_raised_to_one(
    sizes: list[int], extra: int
) -> None:
    batch_size = len(sizes) + extra
    exact = [batch_size * size / sum(sizes) for size in sizes]
    if min(exact) >= 1:
        quotas = batch_quotas(batch_size, sizes)
        assert all(abs(got - want) < 1 for got, want in zip(quotas, exact, strict=True))


def test_a_batch_smaller_than_the_number_of_partitions_is_an_error() -> None:
    with pytest.raises(
        TrainingConfigError, match="batch_size 2 is smaller than the number of partitions 3"
    ):
        batch_quotas(2, (5, 5, 5))


@given(SIZES, st.integers(0, 30), st.integers(0, 5))
def test_every_sample_is_read_once_an_epoch(sizes: list[int], extra: int, epoch: int) -> None:
    schedule = epoch_schedule(sizes, batch_size=len(sizes) + extra, seed=3, epoch=epoch)
    for size, batches in zip(sizes, schedule.batches, strict=True):
        assert sorted(np.concatenate(batches).tolist()) == list(range(size))


@given(SIZES, st.integers(0, 30))
def test_the_leader_takes_part_in_every_step(sizes: list[int], extra: int) -> None:
    schedule = epoch_schedule(sizes, batch_size=len(sizes) + extra, seed=3, epoch=0)
    assert len(schedule.batches[schedule.leader]) == schedule.steps


@given(SIZES, st.integers(0, 30), st.integers(1, 9))
def test_rounds_are_the_batches_in_order(sizes: list[int], extra: int, length: int) -> None:
    schedule = epoch_schedule(sizes, batch_size=len(sizes) + extra, seed=3, epoch=0)
    rounds = schedule.rounds(length)
    for index, own in enumerate(schedule.batches):
        joined = [batch for round_ in rounds for batch in round_[index]]
        assert all(one is other for one, other in zip(joined, own, strict=True))


def test_epochs_partitions_and_seeds_shuffle_differently() -> None:
    orders = [
        tuple(np.concatenate(epoch_schedule((50, 50), batch_size=8, seed=s, epoch=e).batches[p]))
        for s, e, p in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)]
    ]
    assert len(set(orders)) == 4


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    one, other = (epoch_schedule((9, 7), batch_size=5, seed=4, epoch=2) for _ in range(2))
    assert [b.tolist() for own in one.batches for b in own] == [
        b.tolist() for own in other.batches for b in own
    ]

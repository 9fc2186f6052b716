"""Merging: a weighted mean in a tree of fixed shape."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dhtask.training._merge import Contribution, mean, merge_tree, root


def contribution(seed: int, weight: float) -> Contribution:
    generator = np.random.default_rng(seed)
    arrays = (
        generator.normal(size=31).astype(np.float32),
        generator.normal(size=3).astype(np.float32),
    )
    return Contribution(arrays, weight, float(generator.normal()))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=9))
def test_the_tree_gives_the_weighted_mean(weights: list[int]) -> None:
    parts = [contribution(seed, weight) for seed, weight in enumerate(weights)]
    merged = whole(parts)
    for position in range(2):
        exact = np.average(
            [p.arrays[position].astype(np.float64) for p in parts], axis=0, weights=weights
        )
        np.testing.assert_allclose(merged.arrays[position], exact, rtol=2e-6, atol=2e-6)
    assert merged.weight == sum(weights)
    np.testing.assert_allclose(merged.loss, np.average([p.loss for p in parts], weights=weights))


def test_the_mean_stays_in_single_precision() -> None:
    merged = mean(contribution(0, 3), contribution(1, 5))
    assert {array.dtype for array in merged.arrays} == {np.dtype(np.float32)}


def test_equal_contributions_stay_equal_bit_for_bit() -> None:
    one = contribution(0, 3)
    merged = whole([one, one, one])
    for got, want in zip(merged.arrays, one.arrays, strict=True):
        np.testing.assert_array_equal(got, want)


def test_merging_changes_neither_side() -> None:
    left, right = contribution(0, 3), contribution(1, 5)
    before = [array.copy() for part in (left, right) for array in part.arrays]
    mean(left, right)
    for was, now in zip(before, [*left.arrays, *right.arrays], strict=True):
        np.testing.assert_array_equal(was, now)


@given(st.integers(1, 40))
def test_the_tree_keeps_order_and_is_as_low_as_can_be(count: int) -> None:
    sides = merge_tree([(index, index, 0) for index in range(count)], _joined)
    assert len(sides) == min(count, 2)
    first, last, depth = sides[0] if count == 1 else _joined(*sides)
    assert (first, last) == (0, count - 1)
    assert 2**depth >= count > 2 ** (depth - 1) / 2


def test_nothing_has_no_root() -> None:
    assert root(()) is None


def whole(parts: list[Contribution]) -> Contribution:
    merged = root(tuple(part.packed() for part in merge_tree(parts, mean)))
    assert merged is not None
    return merged


def _joined(left: tuple[int, int, int], right: tuple[int, int, int]) -> tuple[int, int, int]:
    assert left[1] + 1 == right[0]
    return left[0], right[1], max(left[2], right[2]) + 1

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhcore.data import Dataset, LeakError, Sample, SplitError, check_leaks, k_fold, split_dataset

SHARES = {"training": 0.7, "validation": 0.15, "test": 0.15}


def _dataset(labels: list[int], groups: list[int] | None = None) -> Dataset:
    samples = [
        Sample((f"/{i}.png",), label=(label,), group=None if groups is None else str(groups[i]))
        for i, label in enumerate(labels)
    ]
    return Dataset(tuple(samples), classes=("a", "b", "c"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12)), min_size=3, max_size=80),
    st.integers(0, 5),
)
def test_every_sample_is_in_one_part_and_every_group_on_one_side(
    pairs: list[tuple[int, int]], seed: int
) -> None:
    data = _dataset([label for label, _ in pairs], [group for _, group in pairs])
    if len({group for _, group in pairs}) < 3:
        with pytest.raises(SplitError, match="groups"):
            split_dataset(data, SHARES, seed=seed)
        return
    split = split_dataset(data, SHARES, seed=seed)
    assert sorted(i for part in split.splits.values() for i in part) == list(range(len(pairs)))
    sides = {(pairs[i][1], name) for name, part in split.splits.items() for i in part}
    assert max(Counter(group for group, _ in sides).values()) == 1
    assert all(split.splits.values())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=20, max_size=200), st.integers(0, 5))
def test_every_class_has_its_share_in_every_part(labels: list[int], seed: int) -> None:
    split = split_dataset(_dataset(labels), SHARES, seed=seed)
    for label, total in Counter(labels).items():
        for name, share in SHARES.items():
            found = sum(labels[i] == label for i in split.splits[name])
            assert abs(found - share * total) <= 2


def test_the_seed_decides() -> None:
    data = _dataset(list(np.random.default_rng(1).integers(0, 3, 60)))
    first, again, other = (split_dataset(data, SHARES, seed=seed).splits for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_samples_that_share_a_file_stay_together() -> None:
    samples = tuple(Sample((f"/{i}.png", f"/{i // 2}.common.png")) for i in range(20))
    split = split_dataset(Dataset(samples), {"training": 0.5, "test": 0.5}, seed=1)
    assert {i // 2 for i in split.splits["training"]}.isdisjoint(
        {i // 2 for i in split.splits["test"]}
    )


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.2, "b": -0.2}, {"a": 0.8, "b": 0.8}])
def test_shares_that_are_none_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(SplitError, match="sum to one"):
        split_dataset(_dataset([0] * 9), shares, seed=0)


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_every_sample_is_validated_once(folds: int) -> None:
    data = _dataset([i % 3 for i in range(30)], [i // 2 for i in range(30)])
    parts = k_fold(data, folds, seed=4)
    assert len(parts) == folds
    assert sorted(i for part in parts for i in part.splits["validation"]) == list(range(30))
    for part in parts:
        assert sorted([*part.splits["training"], *part.splits["validation"]]) == list(range(30))
        assert abs(len(part.splits["validation"]) - 30 / folds) <= 2


def test_one_fold_is_no_validation() -> None:
    with pytest.raises(SplitError, match="two folds"):
        k_fold(_dataset([0, 0]), 1, seed=0)


def test_a_patient_on_two_sides_is_a_leak() -> None:
    data = _dataset([0, 0, 0], [7, 8, 7]).with_splits({"training": [0, 1], "test": [2]})
    with pytest.raises(
        LeakError, match=r"group '7' is in 'training' \(sample 0\) and in 'test' \(sample 2\)"
    ):
        check_leaks(data)


def test_a_file_on_two_sides_is_a_leak() -> None:
    data = Dataset((Sample(("/a.png",)), Sample(("/a.png",)))).with_splits(
        {"training": [0], "test": [1]}
    )
    with pytest.raises(LeakError, match=r"file '/a\.png'"):
        check_leaks(data)


def test_a_clean_split_passes() -> None:
    check_leaks(_dataset([0, 0, 0], [7, 8, 7]).with_splits({"training": [0, 2], "test": [1]}))

"""Splitting a dataset: by group, so that a patient is on one side only; with equal shares of classes; in k folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dhcore.data.dataset import Dataset
from dhcore.data.errors import LeakError, SplitError
from dhcore.random import generator

__all__ = ["check_leaks", "k_fold", "split_dataset"]


def split_dataset(
    dataset: Dataset, shares: Mapping[str, float], *, seed: int, stratify: bool = True
) -> Dataset:
    """Split at random into named parts.

    Samples of one group, and samples that share a file, stay together. They are placed one by one, the
    largest first, where the part lacks them most, counted over all samples and over each class; so the shares hold as
    closely as the groups allow.

    Args:
        dataset: what to split.
        shares: the fraction of the samples for each name; they sum to one.
        seed: chooses among equals.
        stratify: give every part the same mixture of classes.

    Raises:
        SplitError: shares that do not sum to one, or fewer groups than parts.

    >>> from dhcore.data.dataset import Sample
    >>> data = Dataset(tuple(Sample((f"{i}.png",), group=str(i // 2)) for i in range(8)))
    >>> split = split_dataset(data, {"training": 0.75, "test": 0.25}, seed=1)
    >>> len(split.splits["training"]), len(split.splits["test"])
    (6, 2)
    """
    values = np.array(list(shares.values()), dtype=np.float64)
    if not len(values) or (values < 0).any() or abs(values.sum() - 1) > 1e-6:
        raise SplitError(f"Expected shares that are positive and sum to one, got {dict(shares)!r}.")
    parts = _assign(dataset, values, seed, stratify=stratify)
    result = dataset.with_splits(dict(zip(shares, parts, strict=True)))
    check_leaks(result)
    return result


def k_fold(dataset: Dataset, folds: int, *, seed: int, stratify: bool = True) -> list[Dataset]:
    """Split k times into training and validation; every sample is validated once.

    Args:
        dataset: what to split; its own splits are ignored.
        folds: k, at least two.
        seed: chooses among equals.
        stratify: give every fold the same mixture of classes.

    Raises:
        SplitError: fewer groups than folds.

    >>> from dhcore.data.dataset import Sample
    >>> data = Dataset(tuple(Sample((f"{i}.png",)) for i in range(6)))
    >>> sorted(i for fold in k_fold(data, 3, seed=1) for i in fold.splits["validation"])
    [0, 1, 2, 3, 4, 5]
    """
    if folds < 2:
        raise SplitError(f"Expected at least two folds, got {folds!r}.")
    parts = _assign(dataset, np.full(folds, 1 / folds), seed, stratify=stratify)
    results = []
    for place, validation in enumerate(parts):
        training = sorted(
            index for other, part in enumerate(parts) if other != place for index in part
        )
        results.append(dataset.with_splits({"training": training, "validation": validation}))
        check_leaks(results[-1])
    return results


def check_leaks(dataset: Dataset) -> None:
    """Make sure that no group, no file and no sample is on two sides of a split.

    Args:
        dataset: with splits.

    Raises:
        LeakError: names what is, and where.

    >>> from dhcore.data.dataset import Sample
    >>> both = (Sample(("a.png",), group="p1"), Sample(("b.png",), group="p1"))
    >>> check_leaks(Dataset(both, splits={"training": (0,), "test": (1,)}))
    Traceback (most recent call last):
    ...
    dhcore.data.errors.LeakError: group 'p1' is in 'training' (sample 0) and in 'test' (sample 1).
    """
    seen: dict[tuple[str, str], tuple[str, int]] = {}
    leaks = []
    for name, indices in dataset.splits.items():
        for index in indices:
            for identity in _identities(dataset, index):
                other, first = seen.setdefault(identity, (name, index))
                if other != name:
                    leaks.append(
                        f"{identity[0]} {identity[1]!r} is in {other!r} (sample {first}) "
                        f"and in {name!r} (sample {index})"
                    )
    if leaks:
        more = f"; and {len(leaks) - 3} more" if len(leaks) > 3 else ""
        raise LeakError("; ".join(leaks[:3]) + more + ".")


def _identities(dataset: Dataset, index: int) -> list[tuple[str, str]]:
    sample = dataset.samples[index]
    files = [("file", str(Path(location))) for location in sample.locations]
    return (
        [*files, ("sample", str(index))]
        if sample.group is None
        else [*files, ("group", sample.group)]
    )


def _assign(
    dataset: Dataset, shares: NDArray[np.float64], seed: int, *, stratify: bool
) -> list[list[int]]:
    units = _units(dataset)
    needed = int((shares > 0).sum())
    if len(units) < needed:
        raise SplitError(
            f"{needed} parts need as many groups, there are {len(units)} in {len(dataset)} samples."
        )
    kinds = _kinds(dataset, stratify=stratify)
    contents = np.zeros((len(units), kinds.shape[1]))
    for place, unit in enumerate(units):
        contents[place] = kinds[unit].sum(axis=0)
    totals = contents.sum(axis=0)
    weights = 1.0 / np.maximum(totals, 1.0)
    if kinds.shape[1] > 1:
        # Equal shares of every class are equal shares of all; the total only decides between equals.
        weights[0] *= 1e-3
    shuffled = generator(seed, "split").permutation(len(units))
    sizes = np.array([len(units[place]) for place in shuffled])
    rarity = np.array([(contents[place] * weights).max() for place in shuffled])
    lacking = np.outer(shares, totals)
    parts: list[list[int]] = [[] for _ in shares]
    for place in shuffled[np.lexsort((-rarity, -sizes))]:
        # Where the squared distance to the wanted numbers shrinks most, each kind relative to its total.
        cost = (((lacking - contents[place]) ** 2 - lacking**2) * weights).sum(axis=1)
        chosen = int(np.argmin(np.where(shares > 0, cost, np.inf)))
        parts[chosen].extend(units[place])
        lacking[chosen] -= contents[place]
    return [sorted(part) for part in _without_empty(parts, shares, units)]


def _without_empty(
    parts: list[list[int]], shares: NDArray[np.float64], units: Sequence[list[int]]
) -> list[list[int]]:
    """Give a part that got nothing the smallest unit of the fullest one: a part without samples is of no use."""
    for place, part in enumerate(parts):
        if part or not shares[place]:
            continue
        donors = [
            other
            for other, content in enumerate(parts)
            if sum(set(u) <= set(content) for u in units) > 1
        ]
        donor = max(donors, key=lambda other: len(parts[other]))
        unit = min((u for u in units if set(u) <= set(parts[donor])), key=len)
        parts[donor] = [index for index in parts[donor] if index not in set(unit)]
        part.extend(unit)
    return parts


def _units(dataset: Dataset) -> list[list[int]]:
    """Samples that must stay together: connected by a group or a file."""
    parent = list(range(len(dataset)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index in range(len(dataset)):
        for identity in _identities(dataset, index):
            parent[root(index)] = root(first.setdefault(identity, index))
    members: dict[int, list[int]] = {}
    for index in range(len(dataset)):
        members.setdefault(root(index), []).append(index)
    return list(members.values())


def _kinds(dataset: Dataset, *, stratify: bool) -> NDArray[np.float64]:
    """A row for each sample: one, and which combination of classes it has."""
    everything = np.ones((len(dataset), 1))
    if not stratify or not dataset.classes:
        return everything
    combinations = Counter(sample.label for sample in dataset.samples)
    columns = {label: place for place, label in enumerate(sorted(combinations, key=str))}
    indicator = np.zeros((len(dataset), len(columns)))
    indicator[np.arange(len(dataset)), [columns[sample.label] for sample in dataset.samples]] = 1.0
    return np.concatenate([everything, indicator], axis=1)

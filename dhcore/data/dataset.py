"""A dataset: samples, what their labels mean, and how they are split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, final

from dhcore.data.errors import SplitError

__all__ = ["Dataset", "Sample", "Task", "is_remote"]

#: What the labels are: indices of classes, pictures, or nothing.
Task = Literal["classification", "segmentation", "unlabelled"]

_REMOTE: Final = ("http://", "https://")


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """One picture or volume, and what is known of it.

    >>> Sample(("a.png",), label=(1,)).locations
    ('a.png',)
    """

    #: Absolute paths or addresses; several are pictures of one size that are stacked.
    locations: tuple[str, ...]
    #: Indices into the classes; several for a multi-label sample. None in segmentation, or when unknown.
    label: tuple[int, ...] | None = None
    #: The picture of labels, in segmentation.
    mask: str | None = None
    #: One value for each feature of the dataset, None where unknown.
    values: tuple[Any, ...] | None = None
    #: Samples of one group, a patient or a slide, stay on one side of every split.
    group: str | None = None
    #: Line in the dataset file.
    line: int = 0


@final
@dataclass(frozen=True, slots=True)
class Dataset:
    """Samples with classes or masks, and named splits.

    >>> samples = (Sample(("a.png",), label=(0,)), Sample(("b.png",), label=(1,)))
    >>> data = Dataset(samples, classes=("benign", "malignant"))
    >>> data.task, len(data), data.class_counts()
    ('classification', 2, {'benign': 1, 'malignant': 1})
    """

    samples: tuple[Sample, ...]
    name: str = ""
    description: str = ""
    #: Names of the classes; empty for segmentation.
    classes: tuple[str, ...] = ()
    #: Names of the values of a sample.
    features: tuple[str, ...] = ()
    #: Indices of samples by name; training, validation and test are the usual ones.
    splits: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    #: A mask is 1 where it is above this; None keeps its values as labels.
    mask_threshold: float | None = None
    #: The file it came from.
    path: Path = Path()

    def __post_init__(self) -> None:
        object.__setattr__(self, "splits", MappingProxyType(dict(self.splits)))

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy does not pickle; the plain dict does.
        values = [getattr(self, name) for name in self.__dataclass_fields__]
        return Dataset, tuple(
            dict(value) if isinstance(value, MappingProxyType) else value for value in values
        )

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def task(self) -> Task:
        """Classification when there are classes, segmentation when there are masks."""
        if self.classes:
            return "classification"
        return "segmentation" if any(sample.mask for sample in self.samples) else "unlabelled"

    def indices(self, split: str | None = None) -> tuple[int, ...]:
        """The samples of a split; all when None.

        Args:
            split: its name.

        Raises:
            SplitError: there is no such split.
        """
        if split is None:
            return tuple(range(len(self.samples)))
        if split not in self.splits:
            known = ", ".join(repr(name) for name in self.splits) or "none"
            raise SplitError(f"There is no split {split!r} in {self.path}; there are {known}.")
        return self.splits[split]

    def class_counts(self, split: str | None = None) -> dict[str, int]:
        """How many samples have each class.

        Args:
            split: its name; all samples when None.

        Raises:
            SplitError: there is no such split.
        """
        labels = [self.samples[index].label or () for index in self.indices(split)]
        counts = Counter(label for several in labels for label in several)
        return {name: counts[place] for place, name in enumerate(self.classes)}

    def with_splits(self, splits: Mapping[str, Sequence[int]]) -> Dataset:
        """The same samples, split otherwise.

        Args:
            splits: indices by name.

        Raises:
            SplitError: an index that no sample has.
        """
        for name, indices in splits.items():
            wrong = [index for index in indices if not 0 <= index < len(self.samples)]
            if wrong:
                raise SplitError(
                    f"Split {name!r} names sample {wrong[0]}, there are {len(self.samples)} from 0."
                )
        return replace(
            self, splits={name: tuple(map(int, indices)) for name, indices in splits.items()}
        )


def is_remote(location: str) -> bool:
    """Whether a location is an address of the web.

    Args:
        location: path or address.

    >>> is_remote("https://example.org/a.png"), is_remote("a.png")
    (True, False)
    """
    return location.lower().startswith(_REMOTE)

"""Looking at every file of a dataset before hours are spent on it."""

from __future__ import annotations

from dhcore.data.dataset import Dataset, Sample, is_remote
from dhcore.data.errors import LeakError, Problem, SampleError
from dhcore.data.loading import load_sample
from dhcore.data.splits import check_leaks
from dhcore.image import ImageFileError, ImageInfo, inspect

__all__ = ["check_dataset"]


def check_dataset(dataset: Dataset, *, decode: bool = False) -> tuple[Problem, ...]:
    """Everything that is wrong with the files of a dataset: missing, not images, masks of another size, leaking splits.

    Args:
        dataset: what to check.
        decode: also decode all pixels, which finds files that end too early; takes as long as reading them.

    Returns:
        The problems in the order of the samples; none when all is well.

    >>> from dhcore.data.dataset import Sample
    >>> [problem.message for problem in check_dataset(Dataset((Sample(("/missing.png",)),)))]
    ['/missing.png: no such file']
    """
    problems: list[Problem] = []
    for index, sample in enumerate(dataset.samples):
        found = _headers(dataset, sample, index)
        if not found and decode:
            try:
                load_sample(dataset, index)
            except SampleError as error:
                found = [error.problem]
        problems += found
    labelled = [sample.label is not None or sample.mask is not None for sample in dataset.samples]
    for name, indices in dataset.splits.items():
        bare = [index for index in indices if not labelled[index]]
        if bare and len(bare) < len(indices):
            message = (
                f"{len(bare)} of {len(indices)} samples have no label, the first is image {bare[0]}"
            )
            problems.append(Problem(dataset.path, 0, f"split {name}", message))
    try:
        check_leaks(dataset)
    except LeakError as error:
        problems.append(Problem(dataset.path, 0, "split", str(error)))
    return tuple(problems)


def _headers(dataset: Dataset, sample: Sample, index: int) -> list[Problem]:
    entry = f"image {index}"
    problems: list[Problem] = []
    headers: list[ImageInfo] = []
    for location in (*sample.locations, *([sample.mask] if sample.mask else [])):
        if is_remote(location):
            continue
        try:
            headers.append(inspect(location))
        except ImageFileError as error:
            problems.append(Problem(dataset.path, sample.line, entry, str(error)))
    if problems or not headers:
        return problems
    first = _spatial(headers[0])
    places = [*sample.locations, *([sample.mask] if sample.mask else [])]
    for location, header in zip(places[1:], headers[1:], strict=False):
        wanted = (
            first
            if location != sample.mask or len(sample.locations) == 1
            else (len(sample.locations), *first)
        )
        if _spatial(header) != wanted:
            kind = "mask" if location == sample.mask else "stacked picture"
            message = f"{kind} of another size: {places[0]} is {_text(wanted)}, {location} is {_text(_spatial(header))}"
            problems.append(Problem(dataset.path, sample.line, entry, message))
    return problems


def _spatial(header: ImageInfo) -> tuple[int, ...]:
    return tuple(
        count for letter, count in zip(header.axes, header.shape, strict=True) if letter in "zyx"
    )


def _text(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))

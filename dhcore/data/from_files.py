"""Datasets from what people have: folders of pictures, and tables of file names.

classification    DIR/CLASS/picture, or DIR/SPLIT/CLASS/picture
segmentation      DIR/images/picture and DIR/ground_truth/picture, or the two below DIR/SPLIT
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from dhcore.data.dataset import Dataset, Sample
from dhcore.data.errors import DatasetFileError, Problem

__all__ = ["from_csv", "from_folders"]

_PICTURES: Final = (
    *(".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".dcm", ".nii", ".nii.gz", ".svs"),
)
_IMAGES: Final = ("images", "image", "imgs")
_MASKS: Final = ("ground_truth", "masks", "mask", "labels")


def from_csv(
    path: Path | str,
    *,
    image: str = "image",
    mask: str | None = None,
    label: str | None = None,
    group: str | None = None,
    features: Sequence[str] = (),
    classes: Sequence[str] | None = None,
    mask_threshold: float | None = None,
) -> Dataset:
    """A dataset from a table with a line of column names; paths in it are relative to the table.

    Args:
        path: the table; separated by commas, semicolons or tabs.
        image: column of the pictures; several paths in a cell, separated by "|", are stacked.
        mask: column of the masks; an empty cell means none.
        label: column of the classes; several, separated by "|", make a multi-label sample. Numbers that are not
            0, 1, 2, ... are named after the column, as "grade 3", since a dataset file takes numbers for indices.
        group: column that says what must stay on one side of a split, as the patient.
        features: columns that become values.
        classes: the order of the classes; sorted when not given.
        mask_threshold: a mask is foreground above this.

    Raises:
        DatasetFileError: everything that is wrong with the table.

    >>> from_csv("missing.csv")
    Traceback (most recent call last):
    ...
    dhcore.data.errors.DatasetFileError: missing.csv: no such file
    """
    path = Path(path)
    rows, columns = _table(path)
    wanted = [name for name in (image, mask, label, group, *features) if name is not None]
    absent = [name for name in wanted if name not in columns]
    if absent:
        listed = ", ".join(map(repr, columns))
        raise DatasetFileError(
            [Problem(path, 1, "", f"no column {name!r}; there are {listed}") for name in absent]
        )
    if mask is not None and label is not None:
        raise DatasetFileError(
            [Problem(path, 1, "", "a dataset has masks or classes, not both; choose one column")]
        )
    names = _classes(rows, label, classes)
    problems: list[Problem] = []
    samples = []
    for line, row in rows:
        locations = _parts(row[image])
        if not locations:
            problems.append(Problem(path, line, f"column {image}", "the cell is empty"))
        indices = _label(path, line, row[label], names, problems) if label is not None else None
        samples.append(
            Sample(
                tuple(str((path.parent / place).resolve()) for place in locations),
                indices,
                str((path.parent / row[mask]).resolve())
                if mask is not None and row[mask]
                else None,
                tuple(_number(row[name]) for name in features) if features else None,
                row[group] or None if group is not None else None,
            )
        )
    if problems:
        raise DatasetFileError(problems)
    if not samples:
        raise DatasetFileError(
            [Problem(path, 1, "", "the table has no lines below its column names")]
        )
    if any(name.isdigit() and int(name) != place for place, name in enumerate(names)):
        names = tuple(f"{label} {name}" for name in names)
    return Dataset(
        tuple(samples),
        name=path.parent.resolve().name,
        classes=names,
        features=tuple(features),
        mask_threshold=mask_threshold,
        path=path,
    )


def from_folders(
    folder: Path | str, *, mask_suffix: str = "", mask_threshold: float | None = None
) -> Dataset:
    """A dataset from folders, which say what the pictures are; see the head of `dhcore.data.from_files`.

    Args:
        folder: DIR.
        mask_suffix: what the name of a mask has more than that of its picture, before the ending, as "_mask".
        mask_threshold: a mask is foreground above this.

    Raises:
        DatasetFileError: no such folder, no pictures in it, or pictures without a mask.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DatasetFileError([Problem(root, 0, "", "no such folder")])
    parts = _split_folders(root)
    problems: list[Problem] = []
    samples: list[Sample] = []
    splits: dict[str, tuple[int, ...]] = {}
    masked = _pair(next(iter(parts.values()))) is not None
    classes = () if masked else _class_names(parts.values())
    for name, part in parts.items():
        found = _masked(part, mask_suffix, problems) if masked else _classified(part, classes)
        splits[name] = tuple(range(len(samples), len(samples) + len(found)))
        samples += found
    if problems:
        raise DatasetFileError(problems)
    if not samples:
        raise DatasetFileError(
            [
                Problem(
                    root,
                    0,
                    "",
                    "no pictures; expected DIR/CLASS/... or DIR/images and DIR/ground_truth",
                )
            ]
        )
    return Dataset(
        tuple(samples),
        name=root.resolve().name,
        classes=classes,
        splits=splits if "" not in splits else {},
        mask_threshold=mask_threshold if masked else None,
        path=root,
    )


def _table(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DatasetFileError([Problem(path, 0, "", "no such file")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetFileError(
            [Problem(path, 0, "", f"cannot be read as a table: {error}")]
        ) from error
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=separator, restval="")
    try:
        rows = [
            (reader.line_num, {str(k): (v or "").strip() for k, v in row.items() if k is not None})
            for row in reader
        ]
    except csv.Error as error:
        raise DatasetFileError(
            [Problem(path, reader.line_num, "", f"not a table: {error}")]
        ) from error
    return rows, [str(name) for name in reader.fieldnames or []]


def _parts(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _classes(
    rows: list[tuple[int, dict[str, str]]], label: str | None, given: Sequence[str] | None
) -> tuple[str, ...]:
    if label is None:
        return ()
    return (
        tuple(given)
        if given is not None
        else tuple(sorted({name for _, row in rows for name in _parts(row[label])}))
    )


def _label(
    path: Path, line: int, cell: str, classes: tuple[str, ...], problems: list[Problem]
) -> tuple[int, ...] | None:
    names = _parts(cell)
    known = ", ".join(classes)
    unknown = [name for name in names if name not in classes]
    problems += [
        Problem(path, line, "", f"unknown class {name!r}; known are {known}") for name in unknown
    ]
    return tuple(classes.index(name) for name in names if name in classes) or None


def _number(cell: str) -> int | float | str | None:
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell or None


def _folders(root: Path) -> list[Path]:
    return sorted(
        path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")
    )


def _pictures(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.name.lower().endswith(_PICTURES)
    )


def _split_folders(root: Path) -> dict[str, Path]:
    below = _folders(root)
    if (
        below
        and _pair(root) is None
        and all(_folders(path) and not _pictures(path) for path in below)
    ):
        return {path.name: path for path in below}
    return {"": root}


def _pair(folder: Path) -> tuple[Path, Path] | None:
    names = {path.name.lower(): path for path in _folders(folder)}
    images = next((names[name] for name in _IMAGES if name in names), None)
    masks = next((names[name] for name in _MASKS if name in names), None)
    return (images, masks) if images is not None and masks is not None else None


def _class_names(parts: Iterable[Path]) -> tuple[str, ...]:
    folders = [folder for part in parts for folder in _folders(part)]
    return tuple(sorted({folder.name for folder in folders}))


def _classified(part: Path, classes: tuple[str, ...]) -> list[Sample]:
    return [
        Sample((str(picture.resolve()),), (classes.index(folder.name),))
        for folder in _folders(part)
        for picture in _pictures(folder)
    ]


def _masked(part: Path, suffix: str, problems: list[Problem]) -> list[Sample]:
    pair = _pair(part)
    if pair is None:
        problems.append(Problem(part, 0, "", "expected the folders images and ground_truth"))
        return []
    masks = {_stem(path): path for path in _pictures(pair[1])}
    samples = []
    for picture in _pictures(pair[0]):
        mask = masks.get(_stem(picture) + suffix)
        if mask is None:
            problems.append(
                Problem(picture, 0, "", f"no mask {_stem(picture) + suffix}.* in {pair[1]}")
            )
        else:
            samples.append(Sample((str(picture.resolve()),), mask=str(mask.resolve())))
    return samples


def _stem(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return name.rpartition(".")[0]

"""`dhcore dataset`: make, check and show dataset files."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from dhcore.cli.parser import add_group
from dhcore.data import (
    Dataset,
    DatasetFileError,
    check_dataset,
    from_csv,
    from_folders,
    is_remote,
    load_dataset,
    save_dataset,
    split_dataset,
)
from dhcore.image import ImageFileError, inspect

__all__ = ["add_commands"]

_SIZES_SHOWN = 6
_NAMES = {1: ("training",), 2: ("training", "test"), 3: ("training", "validation", "test")}


def add_commands(commands: Any) -> None:
    """Add `dataset from-csv`, `from-folders`, `check` and `show`.

    Args:
        commands: where to add them.
    """
    group = add_group(
        commands,
        "dataset",
        "Make, check and show dataset files.",
        "dhcore dataset check dataset.yml",
    )
    _add_from_csv(group)
    _add_from_folders(group)
    check = _command(
        group, "check", "List everything that is wrong with a dataset.", "check dataset.yml", _check
    )
    check.add_argument("file", type=Path, help="dataset file")
    check.add_argument(
        "--headers",
        action="store_true",
        help="read only the headers: faster, misses damaged pixels",
    )
    check.add_argument("--allow-remote", action="store_true", help="accept http(s) locations")
    show = _command(
        group,
        "show",
        "Samples per split, sizes and classes of a dataset.",
        "show dataset.yml",
        _show,
    )
    show.add_argument("file", type=Path, help="dataset file")
    show.add_argument("--allow-remote", action="store_true", help="accept http(s) locations")


def _add_from_csv(group: Any) -> None:
    example = "from-csv labels.csv --image image --mask mask --group patient --split 0.7 0.15 0.15 --out set.yml"
    made = _command(
        group, "from-csv", "Make a dataset from a table with column names.", example, _from_csv
    )
    made.add_argument("file", type=Path, help="table; paths in it are relative to it")
    made.add_argument(
        "--image", default="image", metavar="COLUMN", help="pictures (default: image)"
    )
    labels = made.add_mutually_exclusive_group()
    labels.add_argument("--mask", metavar="COLUMN", help="masks, for segmentation")
    labels.add_argument("--label", metavar="COLUMN", help="classes, for classification")
    made.add_argument(
        "--group", metavar="COLUMN", help="what stays on one side of a split, as the patient"
    )
    made.add_argument(
        "--feature", metavar="COLUMN", action="append", default=[], help="values; may be repeated"
    )
    _add_common(made)


def _add_from_folders(group: Any) -> None:
    example = "from-folders pictures --split 0.8 0.2 --seed 1 --out set.yml"
    made = _command(
        group, "from-folders", "Make a dataset from folders of pictures.", example, _from_folders
    )
    made.add_argument(
        "folder",
        type=Path,
        help="has CLASS/..., or images/ and ground_truth/, perhaps below SPLIT/",
    )
    made.add_argument(
        "--mask-suffix", default="", metavar="TEXT", help="what mask names have more, as _mask"
    )
    _add_common(made)


def _add_common(made: argparse.ArgumentParser) -> None:
    made.add_argument(
        "--mask-threshold",
        type=float,
        metavar="VALUE",
        help="foreground is above it: 127 for JPEG masks",
    )
    made.add_argument(
        "--split", type=float, nargs="+", metavar="SHARE", help="training [validation] test, sum 1"
    )
    made.add_argument("--seed", type=int, default=0, help="of the split (default: 0)")
    made.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="dataset file to write"
    )


def _command(group: Any, name: str, text: str, example: str, run: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = group.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"example:\n  dhcore dataset {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def _from_csv(arguments: argparse.Namespace) -> int:
    dataset = from_csv(
        arguments.file,
        image=arguments.image,
        mask=arguments.mask,
        label=arguments.label,
        group=arguments.group,
        features=arguments.feature,
        mask_threshold=_number(arguments.mask_threshold),
    )
    return _save(dataset, arguments)


def _from_folders(arguments: argparse.Namespace) -> int:
    dataset = from_folders(
        arguments.folder,
        mask_suffix=arguments.mask_suffix,
        mask_threshold=_number(arguments.mask_threshold),
    )
    return _save(dataset, arguments)


def _save(dataset: Dataset, arguments: argparse.Namespace) -> int:
    if arguments.split is not None:
        if len(arguments.split) not in _NAMES:
            print(
                f"dhcore dataset: --split takes 1 to 3 shares, got {len(arguments.split)}",
                file=sys.stderr,
            )
            return 2
        shares = dict(zip(_NAMES[len(arguments.split)], arguments.split, strict=True))
        dataset = split_dataset(dataset, shares, seed=arguments.seed)
    save_dataset(dataset, arguments.out)
    parts = ", ".join(f"{name} {len(indices)}" for name, indices in dataset.splits.items())
    print(
        f"{arguments.out}: {len(dataset)} samples, {dataset.task}" + (f"; {parts}" if parts else "")
    )
    return 0


def _check(arguments: argparse.Namespace) -> int:
    try:
        dataset = load_dataset(arguments.file, allow_remote=arguments.allow_remote)
    except DatasetFileError as error:
        if not arguments.file.is_file():
            raise
        problems = error.problems
    else:
        problems = check_dataset(dataset, decode=not arguments.headers)
    for problem in problems:
        print(problem)
    count = len(problems)
    print(
        f"{arguments.file}: {'no problems' if not count else '1 problem' if count == 1 else f'{count} problems'}"
    )
    return 1 if problems else 0


def _show(arguments: argparse.Namespace) -> int:
    dataset = load_dataset(arguments.file, allow_remote=arguments.allow_remote)
    title = f"{dataset.name or arguments.file.name}: {len(dataset)} samples, {dataset.task}"
    print(title + (f"; {dataset.description.strip()}" if dataset.description.strip() else ""))
    if dataset.mask_threshold is not None:
        print(f"masks are foreground above {dataset.mask_threshold:g}")
    groups = {sample.group for sample in dataset.samples if sample.group is not None}
    if groups:
        print(f"{len(groups)} groups")
    rows = [["split", "samples", *dataset.classes]]
    for name in [*dataset.splits, None]:
        counts = dataset.class_counts(name)
        rows.append([name or "all", str(len(dataset.indices(name))), *map(str, counts.values())])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )
    _show_sizes(dataset)
    return 0


def _show_sizes(dataset: Dataset) -> None:
    sizes: Counter[str] = Counter()
    for sample in dataset.samples:
        try:
            header = None if is_remote(sample.locations[0]) else inspect(sample.locations[0])
        except ImageFileError:
            sizes["unreadable"] += 1
            continue
        if header is None:
            sizes["remote"] += 1
        else:
            axes = " ".join(f"{a} {n}" for a, n in zip(header.axes, header.shape, strict=True))
            sizes[f"{axes}  {header.dtype} {header.format}"] += 1
    print("pictures")
    for text, count in sizes.most_common(_SIZES_SHOWN):
        print(f"  {count:6d}  {text}")
    others = len(sizes) - _SIZES_SHOWN
    if others > 0:
        rest = sum(sizes.values()) - sum(count for _, count in sizes.most_common(_SIZES_SHOWN))
        print(f"  {rest:6d}  of {others} other sizes")


def _number(value: float | None) -> float | None:
    return int(value) if value is not None and value.is_integer() else value

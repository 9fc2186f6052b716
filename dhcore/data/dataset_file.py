"""The DeepHealth dataset format: one YAML file.

    name: retina                        # optional, like all but `images`
    description: fundus photographs
    classes: [healthy, glaucoma]        # there are classes: labels are their names or indices. None: labels are masks
    features: [age, eye]
    dhcore: {mask_threshold: 127}       # extension, see below
    images:
      - location: img1.png              # relative to this file, absolute, or http(s)://; a list is stacked
        label: glaucoma                 # name, index, list of them, or the path of a mask
        values: [61, left]              # a list, or {age: 61}
        group: patient 7                # extension
      - img2.png                        # no label
    split:
      training: [0]                     # any names; indices from zero
      test: [1]

What the format lacks is kept where the original reader does not look, since it asks for the keys above by name: a
`group` for an image, so that splits can be made again and checked by patient, and the section `dhcore`, whose
`mask_threshold` says that a mask is foreground above that value (127 for masks stored as JPEG, 0 for numbered ones).

Reading lists every problem at once, with its line. A class that is not known is a problem, never a path.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from dhcore.data._nodes import EntryReader, Nodes
from dhcore.data.dataset import Dataset, Sample, is_remote
from dhcore.data.errors import DatasetFileError, Problem

__all__ = ["load_dataset", "save_dataset"]

_KNOWN: Final = {"name", "description", "classes", "features", "images", "split", "dhcore"}
#: The parser in C, where PyYAML was built with it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_dataset(path: Path | str, *, allow_remote: bool = False) -> Dataset:
    """Read a dataset file. Pictures are not opened; see `check_dataset`.

    Args:
        path: the YAML file.
        allow_remote: accept http and https locations, which are then fetched when a sample is loaded.

    Raises:
        DatasetFileError: everything that is wrong with it.

    >>> load_dataset("missing.yml")
    Traceback (most recent call last):
    ...
    dhcore.data.errors.DatasetFileError: missing.yml: no such file
    """
    path = Path(path)
    nodes = Nodes(path)
    root = _root(path)
    if not isinstance(root, yaml.MappingNode):
        raise DatasetFileError(
            [Problem(path, 1, "", "expected keys and values, as 'images:', at the top")]
        )
    top = nodes.mapping(root, "")
    for key in top.keys() - _KNOWN:
        if key.startswith(("image", "class", "split", "feature")):
            nodes.problem(
                top[key], "", f"unknown key {key!r}; known are {', '.join(sorted(_KNOWN))}"
            )
    classes = nodes.names(top.get("classes"), "classes")
    features = nodes.names(top.get("features"), "features")
    samples = _samples(nodes, top.get("images"), root, classes, features)
    if not allow_remote:
        _refuse_remote(nodes, samples)
    dataset = Dataset(
        tuple(samples),
        name=nodes.text(top.get("name"), "name"),
        description=nodes.text(top.get("description"), "description"),
        classes=classes,
        features=features,
        splits=_splits(nodes, top.get("split"), len(samples)),
        mask_threshold=_threshold(nodes, top.get("dhcore")),
        path=path,
    )
    if nodes.problems:
        raise DatasetFileError(sorted(nodes.problems))
    return dataset


def save_dataset(dataset: Dataset, path: Path | str) -> None:
    """Write a dataset file, in one piece; paths below its folder become relative.

    Args:
        dataset: what to write.
        path: the YAML file.

    Raises:
        DatasetFileError: a class is named after the index of another, so that labels could not be told apart.
    """
    path = Path(path)
    folder = path.parent.resolve()
    _refuse_numbers(dataset, path)
    content: dict[str, Any] = {}
    for key in ("name", "description"):
        if getattr(dataset, key):
            content[key] = getattr(dataset, key)
    for key in ("classes", "features"):
        if getattr(dataset, key):
            content[key] = list(getattr(dataset, key))
    if dataset.mask_threshold is not None:
        content["dhcore"] = {"mask_threshold": dataset.mask_threshold}
    content["images"] = [_entry(dataset, sample, folder) for sample in dataset.samples]
    if dataset.splits:
        content["split"] = {name: _Flow(indices) for name, indices in dataset.splits.items()}
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class _Flow(list[Any]):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes the indices of a split on few lines."""

    def flow(self, items: _Flow) -> yaml.Node:
        return self.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)


_Dumper.add_representer(_Flow, _Dumper.flow)


def _root(path: Path) -> yaml.Node | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DatasetFileError([Problem(path, 0, "", "no such file")]) from None
    except OSError as error:
        raise DatasetFileError(
            [Problem(path, 0, "", f"cannot be read: {error.strerror}")]
        ) from error
    except UnicodeDecodeError as error:
        raise DatasetFileError([Problem(path, 0, "", f"not a text in UTF-8: {error}")]) from error
    try:
        return yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        raise DatasetFileError(
            [Problem(path, mark.line + 1 if mark else 0, "", f"not YAML: {said}")]
        ) from None


def _samples(
    nodes: Nodes,
    node: yaml.Node | None,
    root: yaml.Node,
    classes: tuple[str, ...],
    features: tuple[str, ...],
) -> list[Sample]:
    if not isinstance(node, yaml.SequenceNode):
        nodes.problem(node or root, "images", "expected a list of images")
        return []
    reader = EntryReader(nodes, classes, features)
    return [reader.sample(entry, index) for index, entry in enumerate(node.value)]


def _refuse_remote(nodes: Nodes, samples: Sequence[Sample]) -> None:
    for index, sample in enumerate(samples):
        addresses = [place for place in (*sample.locations, sample.mask or "") if is_remote(place)]
        if addresses:
            message = (
                f"{addresses[0]!r} is an address; download the file, or read with allow_remote=True"
            )
            nodes.problems.append(Problem(nodes.path, sample.line, f"image {index}", message))


def _splits(nodes: Nodes, node: yaml.Node | None, count: int) -> dict[str, tuple[int, ...]]:
    splits: dict[str, tuple[int, ...]] = {}
    owner: dict[int, str] = {}
    for name, listed in nodes.mapping(node, "split").items():
        if not isinstance(listed, yaml.SequenceNode):
            nodes.problem(listed, f"split {name}", "expected a list of indices")
            continue
        indices = []
        for item in listed.value:
            value = nodes.value(item)
            if not isinstance(value, int) or isinstance(value, bool):
                nodes.problem(item, f"split {name}", f"expected an index, got {value!r}")
            elif not 0 <= value < count:
                nodes.problem(
                    item, f"split {name}", f"index {value}, but the images are 0 to {count - 1}"
                )
            elif value in owner:
                nodes.problem(
                    item, f"split {name}", f"image {value} is in {owner[value]!r} already"
                )
            else:
                owner[value] = name
                indices.append(value)
        splits[name] = tuple(indices)
    return splits


def _threshold(nodes: Nodes, node: yaml.Node | None) -> float | None:
    entries = nodes.mapping(node, "dhcore")
    for key in entries.keys() - {"mask_threshold"}:
        nodes.problem(entries[key], "dhcore", f"unknown key {key!r}; known is mask_threshold")
    if "mask_threshold" not in entries:
        return None
    value = nodes.value(entries["mask_threshold"])
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        nodes.problem(
            entries["mask_threshold"],
            "dhcore",
            f"expected a number as mask_threshold, got {value!r}",
        )
        return None
    return value


def _entry(dataset: Dataset, sample: Sample, folder: Path) -> Any:
    locations = [_relative(location, folder) for location in sample.locations]
    entry: dict[str, Any] = {"location": locations[0] if len(locations) == 1 else locations}
    if sample.label is not None:
        names = [dataset.classes[index] for index in sample.label]
        # A class called "3" is read as the index 3, which it is: _refuse_numbers has seen to that.
        labels: list[Any] = [
            i if _is_integer(name) else name for i, name in zip(sample.label, names, strict=True)
        ]
        entry["label"] = labels[0] if len(labels) == 1 else labels
    elif sample.mask is not None:
        entry["label"] = _relative(sample.mask, folder)
    if sample.values is not None:
        entry["values"] = _Flow(sample.values)
    if sample.group is not None:
        entry["group"] = sample.group
    return entry


def _refuse_numbers(dataset: Dataset, path: Path) -> None:
    for place, name in enumerate(dataset.classes):
        if _is_integer(name) and int(name) != place:
            message = f"class {place} is called {name!r}, which reads as another index; call it 'class {name}'"
            raise DatasetFileError([Problem(path, 0, "classes", message)])


def _relative(location: str, folder: Path) -> str:
    if is_remote(location):
        return location
    absolute = Path(location).resolve()
    return (
        absolute.relative_to(folder).as_posix()
        if absolute.is_relative_to(folder)
        else absolute.as_posix()
    )


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True

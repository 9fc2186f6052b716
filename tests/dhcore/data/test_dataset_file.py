from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import yaml

from dhcore.data import (
    Dataset,
    DatasetFileError,
    LeakError,
    Problem,
    Sample,
    SampleError,
    SplitError,
    load_dataset,
    save_dataset,
)

COMPLETE = """\
name: mixture
description: >
  of everything
  the format has
classes: [a, b, c]
features: [age, eye]
images:
  - location: one.png
    label: b
    values: [61, null]
  - location: [two.png, three.png]
    label: [0, c]
    values: {eye: left}
  - /elsewhere/four.png
  - [five.png, six.png]
  - location: seven.png
    label: 2
    group: patient 7
split:
  training: [0, 1]
  holdout: [4]
  test: []
"""


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "set.yml"
    path.write_text(text)
    return path


def _messages(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(DatasetFileError) as caught:
        load_dataset(_written(tmp_path, text))
    return [f"{p.line} {p.entry}: {p.message}" for p in caught.value.problems]


def test_everything_the_format_has_is_read(tmp_path: Path) -> None:
    data = load_dataset(_written(tmp_path, COMPLETE))
    folder = str(tmp_path.resolve())
    assert data.name == "mixture"
    assert data.description == "of everything the format has\n"
    assert data.classes == ("a", "b", "c")
    assert [sample.label for sample in data.samples] == [(1,), (0, 2), None, None, (2,)]
    assert data.samples[0].locations == (f"{folder}/one.png",)
    assert data.samples[1].locations == (f"{folder}/two.png", f"{folder}/three.png")
    assert data.samples[2].locations == ("/elsewhere/four.png",)
    assert data.samples[3].locations == (f"{folder}/five.png", f"{folder}/six.png")
    assert data.samples[0].values == (61, None)
    assert data.samples[1].values == (None, "left")
    assert data.samples[4].group == "patient 7"
    assert dict(data.splits) == {"training": (0, 1), "holdout": (4,), "test": ()}
    assert data.task == "classification"
    assert data.samples[4].line == 16


def test_without_classes_a_label_is_the_path_of_a_mask(tmp_path: Path) -> None:
    data = load_dataset(
        _written(tmp_path, "images:\n- {location: /x/a.png, label: masks/a.png}\n- b.png\n")
    )
    assert data.samples[0].mask == str(tmp_path.resolve() / "masks/a.png")
    assert data.samples[0].label is None
    assert data.task == "segmentation"


def test_several_locations_share_one_mask_whose_path_is_made_absolute_once(tmp_path: Path) -> None:
    data = load_dataset(_written(tmp_path, "images:\n- location: [a.png, b.png]\n  label: m.png\n"))
    assert data.samples[0].mask == str(tmp_path.resolve() / "m.png")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    data = load_dataset(_written(tmp_path, COMPLETE))
    save_dataset(data, tmp_path / "copy.yml")
    copy = load_dataset(tmp_path / "copy.yml")
    without_lines = [Sample(s.locations, s.label, s.mask, s.values, s.group) for s in data.samples]
    assert [
        Sample(s.locations, s.label, s.mask, s.values, s.group) for s in copy.samples
    ] == without_lines
    assert (copy.name, copy.description, copy.classes, copy.features) == (
        data.name,
        data.description,
        data.classes,
        data.features,
    )
    assert dict(copy.splits) == dict(data.splits)


def test_paths_below_the_file_are_written_relative(tmp_path: Path) -> None:
    sample = Sample((str(tmp_path / "images" / "a.png"),), mask="/elsewhere/a.png")
    save_dataset(Dataset((sample,)), tmp_path / "set.yml")
    assert yaml.safe_load((tmp_path / "set.yml").read_text())["images"] == [
        {"location": "images/a.png", "label": "/elsewhere/a.png"}
    ]


def test_the_threshold_of_masks_travels_where_other_readers_do_not_look(tmp_path: Path) -> None:
    save_dataset(
        Dataset((Sample(("/a.png",), mask="/m.jpg"),), mask_threshold=127), tmp_path / "set.yml"
    )
    plain = yaml.safe_load((tmp_path / "set.yml").read_text())
    assert plain["dhcore"] == {"mask_threshold": 127}
    assert set(plain["images"][0]) == {"location", "label"}
    assert load_dataset(tmp_path / "set.yml").mask_threshold == 127


@pytest.mark.parametrize(
    "classes", [("0", "1"), ("a", "1"), ("a", "b"), ("yes", "no"), ("null", "1.5")]
)
def test_any_names_of_classes_come_back(classes: tuple[str, ...], tmp_path: Path) -> None:
    data = Dataset(
        (Sample(("/a.png",), label=(1,)), Sample(("/b.png",), label=(0, 1))), classes=classes
    )
    save_dataset(data, tmp_path / "set.yml")
    copy = load_dataset(tmp_path / "set.yml")
    assert copy.classes == classes
    assert [sample.label for sample in copy.samples] == [(1,), (0, 1)]


def test_every_problem_is_listed_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
classes: [benign, malignant]
features: [age]
images:
  - location: a.png
    label: malignent
  - location: b.png
    label: 2
  - label: benign
  - location: c.png
    values: {agee: 3}
  - location: https://example.org/d.png
  - location: []
  - location: e.png
    values: [1, 2]
split:
  training: [0, 9]
  test: [0, x]
"""
    assert _messages(tmp_path, text) == [
        "5 image 0: unknown class 'malignent'; did you mean 'malignant'?",
        "7 image 1: label 2, but the classes are 0 to 1",
        "8 image 2: expected a location",
        "10 image 3: unknown feature 'agee'; did you mean 'age'?",
        "11 image 4: 'https://example.org/d.png' is an address; download the file, or read with allow_remote=True",
        "12 image 5: expected at least one location",
        "14 image 6: 2 values, but there are 1 features",
        "16 split training: index 9, but the images are 0 to 6",
        "17 split test: expected an index, got 'x'",
        "17 split test: image 0 is in 'training' already",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1 : expected keys and values, as 'images:', at the top"),
        ("name: x\n", "1 images: expected a list of images"),
        ("images: 3\n", "1 images: expected a list of images"),
        ("images: [a.png\n", "2 : not YAML: did not find expected ',' or ']'"),
        (
            "images:\n- location: a.png\n  label: 1\n",
            "3 image 0: label 1 is the index of a class, but the file has no classes",
        ),
        (
            "classes: ['1', '0']\nimages:\n- location: a.png\n  label: 1\n",
            "4 image 0: label 1 may be the index 1 or the class '1', number 0",
        ),
        ("classes: [a, a]\nimages: []\n", "1 classes: the name 'a' is there twice"),
        ("images: []\nimages: []\n", "2 : the key 'images' is there twice"),
        (
            "image: []\nimages: []\n",
            "1 : unknown key 'image'; known are classes, description, dhcore, features, images, name, split",
        ),
        (
            "images: []\ndhcore: {mask_treshold: 1}\n",
            "2 dhcore: unknown key 'mask_treshold'; known is mask_threshold",
        ),
        (
            "images: []\ndhcore: {mask_threshold: high}\n",
            "2 dhcore: expected a number as mask_threshold, got 'high'",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    assert _messages(tmp_path, text) == [message]


def test_addresses_are_kept_when_asked_for(tmp_path: Path) -> None:
    path = _written(tmp_path, "images:\n- https://example.org/a.png\n")
    assert load_dataset(path, allow_remote=True).samples[0].locations == (
        "https://example.org/a.png",
    )


def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "set.yml"
    path.write_bytes(b"\xff\xfe\x00images")
    with pytest.raises(DatasetFileError, match="UTF-8"):
        load_dataset(path)


def test_errors_and_datasets_pickle(tmp_path: Path) -> None:
    problem = Problem(tmp_path, 3, "image 1", "wrong")
    for error in (
        DatasetFileError([problem]),
        SampleError(problem),
        SplitError("no"),
        LeakError("leak"),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
    data = load_dataset(_written(tmp_path, COMPLETE))
    assert pickle.loads(pickle.dumps(data)) == data


def test_a_split_that_is_not_there_is_an_error() -> None:
    data = Dataset((Sample(("a",)),), splits={"training": (0,)})
    with pytest.raises(SplitError, match=r"'test'.*'training'"):
        data.indices("test")
    with pytest.raises(SplitError, match="sample 4"):
        data.with_splits({"test": [4]})


def test_a_class_named_after_another_index_cannot_be_written(tmp_path: Path) -> None:
    data = Dataset((Sample(("/a.png",), label=(0,)),), classes=("1", "0"))
    with pytest.raises(DatasetFileError, match="'class 1'"):
        save_dataset(data, tmp_path / "set.yml")
    assert list(tmp_path.iterdir()) == []

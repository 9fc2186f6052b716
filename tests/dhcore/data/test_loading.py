from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from dhcore.augment import Flip, Pipeline
from dhcore.data import (
    Batches,
    Dataset,
    DatasetFileError,
    Sample,
    SampleError,
    check_dataset,
    from_csv,
    from_folders,
    load_dataset,
    load_sample,
    order_of,
    save_dataset,
)
from dhcore.image import Image, write


def _picture(path: Path, value: int, shape: tuple[int, ...] = (8, 10, 3)) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(Image(np.full(shape, value, np.uint8), "yxc" if len(shape) == 3 else "yx"), path)
    return str(path)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Ten pictures of value 10 i with masks of value 100 or 200."""
    samples = tuple(
        Sample(
            (_picture(tmp_path / f"images/{i}.png", 10 * i),),
            mask=_picture(tmp_path / f"masks/{i}.png", 100 + 100 * (i % 2), (8, 10)),
        )
        for i in range(10)
    )
    return Dataset(
        samples, splits={"training": tuple(range(7)), "test": (7, 8, 9)}, path=tmp_path / "set.yml"
    )


def test_a_mask_keeps_its_values_or_is_cut_at_the_threshold(dataset: Dataset) -> None:
    plain = load_sample(dataset, 1).mask
    cut = load_sample(replace(dataset, mask_threshold=127), 1).mask
    own = load_sample(replace(dataset, mask_threshold=127), 0, mask_threshold=50).mask
    assert plain is not None
    assert cut is not None
    assert own is not None
    assert np.unique(plain.pixels).tolist() == [200]
    assert np.unique(cut.pixels).tolist() == [1]
    assert np.unique(own.pixels).tolist() == [1]


def test_colour_and_size_are_those_asked_for(dataset: Dataset) -> None:
    sample = load_sample(dataset, 3, colour="gray", size=(4, 6))
    assert sample.image.shape == (4, 6)
    assert sample.mask is not None
    assert sample.mask.shape == (4, 6)
    assert (sample.image.pixels == 30).all()


def test_pictures_as_displayed_are_bright_where_they_are_bright(tmp_path: Path) -> None:
    values = np.array([[0, 1000]], np.uint16)
    for name in ("MONOCHROME1", "MONOCHROME2"):
        facts = {"photometric": name, "window": (500.0, 1001.0)}
        stored = values if name == "MONOCHROME2" else 1000 - values
        write(Image(stored, "yx", metadata=facts), tmp_path / f"{name}.dcm")
    samples = tuple(Sample((str(tmp_path / f"MONOCHROME{n}.dcm"),)) for n in (1, 2))
    (batch,) = Batches(Dataset(samples), as_displayed=True)
    np.testing.assert_array_equal(batch.images[0], batch.images[1])
    assert batch.images[0].ravel().tolist() == [0, 1]


def test_several_locations_are_stacked(tmp_path: Path) -> None:
    paths = tuple(_picture(tmp_path / f"{i}.png", i, (4, 5)) for i in range(3))
    image = load_sample(Dataset((Sample(paths),)), 0).image
    assert image.axes == "zyx"
    assert image.pixels[:, 0, 0].tolist() == [0, 1, 2]


def test_stacked_pictures_of_different_sizes_are_named(tmp_path: Path) -> None:
    paths = (_picture(tmp_path / "a.png", 1, (4, 5)), _picture(tmp_path / "b.png", 1, (4, 6)))
    with pytest.raises(SampleError, match=r"a\.png.*b\.png"):
        load_sample(Dataset((Sample(paths),)), 0)


def test_a_mask_of_another_size_names_both_files_and_sizes(
    dataset: Dataset, tmp_path: Path
) -> None:
    _picture(tmp_path / "masks/2.png", 1, (8, 9))
    with pytest.raises(SampleError, match=r"images/2\.png is 8 x 10, .*masks/2\.png is 8 x 9"):
        load_sample(dataset, 2)


def test_checking_lists_missing_damaged_and_unequal_files(dataset: Dataset, tmp_path: Path) -> None:
    assert check_dataset(dataset) == ()
    (tmp_path / "images/1.png").unlink()
    _picture(tmp_path / "masks/2.png", 1, (8, 9))
    (tmp_path / "images/3.png").write_bytes(b"")
    whole = (tmp_path / "images/4.png").read_bytes()
    (tmp_path / "images/4.png").write_bytes(whole[:-30])
    found = [
        (problem.entry, problem.message.rpartition(": ")[2])
        for problem in check_dataset(dataset, decode=True)
    ]
    assert [entry for entry, _ in found] == ["image 1", "image 2", "image 3", "image 4"]
    assert found[0][1] == "no such file"
    assert "8 x 9" in found[1][1]
    assert found[2][1] == "the file is empty"
    assert len(check_dataset(dataset)) == 3


def test_checking_finds_leaks_and_labels_that_lack(dataset: Dataset) -> None:
    twice = replace(dataset, samples=(*dataset.samples[:9], Sample(dataset.samples[0].locations)))
    messages = [problem.message for problem in check_dataset(twice)]
    assert any("no label" in message for message in messages)
    assert any("is in 'training'" in message for message in messages)


def test_batches_cover_the_split_and_keep_the_last_partial_one(dataset: Dataset) -> None:
    batches = list(Batches(dataset, "training", batch_size=3))
    assert [batch.images.shape for batch in batches] == [
        (3, 3, 8, 10),
        (3, 3, 8, 10),
        (1, 3, 8, 10),
    ]
    assert [index for batch in batches for index in batch.indices] == list(range(7))
    assert batches[0].images.dtype == np.float32
    np.testing.assert_allclose(batches[1].images[:, 0, 0, 0], np.array([30, 40, 50]) / 255)
    assert batches[0].targets is not None
    assert batches[0].targets.shape == (3, 1, 8, 10)
    assert batches[0].targets.dtype == np.int64


def test_the_order_depends_on_seed_and_epoch_only(dataset: Dataset) -> None:
    def order(seed: int, epoch: int) -> list[int]:
        found = Batches(dataset, batch_size=4, seed=seed, epoch=epoch, shuffle=True)
        return [index for batch in found for index in batch.indices]

    assert (
        order(1, 0) == order(1, 0) == list(order_of(dataset, None, seed=1, epoch=0, shuffle=True))
    )
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)
    assert sorted(order(1, 0)) == list(range(10))


def test_augmentation_in_a_batch_depends_on_the_sample_and_not_on_the_batch(
    dataset: Dataset, tmp_path: Path
) -> None:
    ramp = np.arange(80, dtype=np.uint8).reshape(8, 10)
    for index in range(10):
        write(Image(ramp, "yx"), tmp_path / f"images/{index}.png")
    pipeline = Pipeline(Flip(), Flip("y"))
    small, large = (
        np.concatenate([b.images for b in Batches(dataset, batch_size=n, augment=pipeline, seed=3)])
        for n in (3, 10)
    )
    np.testing.assert_array_equal(small, large)
    assert len({picture.tobytes() for picture in small}) > 1


def test_bad_files_stop_or_are_left_out_and_reported(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "images/1.png").unlink()
    (tmp_path / "images/4.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    with pytest.raises(SampleError, match=r"1\.png: no such file"):
        list(Batches(dataset, "training", batch_size=3))
    batches = Batches(dataset, "training", batch_size=3, on_error="skip")
    assert [index for batch in batches for index in batch.indices] == [0, 2, 3, 5, 6]
    assert [problem.entry for problem in batches.problems] == ["image 1", "image 4"]


def test_pictures_of_different_sizes_in_a_batch_say_what_to_do(
    dataset: Dataset, tmp_path: Path
) -> None:
    _picture(tmp_path / "images/1.png", 1, (8, 9, 3))
    _picture(tmp_path / "masks/1.png", 1, (8, 9))
    with pytest.raises(SampleError, match="choose size"):
        list(Batches(dataset, batch_size=4))
    assert len(list(Batches(dataset, batch_size=4, size=(8, 8)))) == 3


def test_targets_of_classes_are_multi_hot(tmp_path: Path) -> None:
    samples = tuple(
        Sample((_picture(tmp_path / f"{i}.png", i),), label=label)
        for i, label in enumerate([(0,), (1, 2), None])
    )
    (batch,) = Batches(Dataset(samples, classes=("a", "b", "c")), batch_size=4)
    assert batch.targets is not None
    assert batch.targets.tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_a_table_becomes_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "file;class;age;patient\na.png;mel;61;p1\nsub/b.png;nev|mel;;p2\n"
    )
    data = from_csv(
        tmp_path / "t.csv", image="file", label="class", group="patient", features=["age"]
    )
    assert data.classes == ("mel", "nev")
    assert [sample.label for sample in data.samples] == [(0,), (1, 0)]
    assert [sample.values for sample in data.samples] == [(61,), (None,)]
    assert [sample.group for sample in data.samples] == ["p1", "p2"]
    assert data.samples[1].locations == (str(tmp_path.resolve() / "sub/b.png"),)
    save_dataset(data, tmp_path / "set.yml")
    assert load_dataset(tmp_path / "set.yml").class_counts() == {"mel": 2, "nev": 1}


def test_numbers_as_classes_are_named_after_their_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,grade\na.png,3\nb.png,1\n")
    data = from_csv(tmp_path / "t.csv", label="grade")
    assert data.classes == ("grade 1", "grade 3")
    save_dataset(data, tmp_path / "set.yml")
    assert [sample.label for sample in load_dataset(tmp_path / "set.yml").samples] == [(1,), (0,)]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("image\na.png\n", {"mask": "masc"}, "no column 'masc'; there are 'image'"),
        ("image,mask\n,m.png\n", {"mask": "mask"}, "t.csv:2: column image: the cell is empty"),
        ("image,mask\n", {}, "no lines"),
        ("image,l,m\na,b,c\n", {"label": "l", "mask": "m"}, "not both"),
    ],
)
def test_mistakes_in_a_table_are_named(
    text: str, options: dict[str, str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DatasetFileError, match=message):
        from_csv(tmp_path / "t.csv", **options)  # type: ignore[arg-type]  # keywords from a dict


def test_folders_of_classes_become_a_dataset(tmp_path: Path) -> None:
    for name in ("training/cat/1.png", "training/dog/2.png", "test/cat/3.png"):
        _picture(tmp_path / name, 1)
    data = from_folders(tmp_path)
    assert data.classes == ("cat", "dog")
    assert {name: len(part) for name, part in data.splits.items()} == {"test": 1, "training": 2}
    assert data.class_counts("training") == {"cat": 1, "dog": 1}
    flat = from_folders(tmp_path / "training")
    assert flat.classes == ("cat", "dog")
    assert flat.splits == {}


@pytest.mark.parametrize("masks", ["ground_truth", "masks"])
def test_folders_of_masks_become_a_dataset(masks: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        _picture(tmp_path / f"training/images/{name}.png", 1)
        _picture(tmp_path / f"training/{masks}/{name}_m.png", 1, (8, 10))
    data = from_folders(tmp_path, mask_suffix="_m")
    assert data.task == "segmentation"
    assert check_dataset(data) == ()
    (tmp_path / f"training/{masks}/b_m.png").unlink()
    with pytest.raises(DatasetFileError, match=r"b\.png: no mask b_m"):
        from_folders(tmp_path, mask_suffix="_m")


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetFileError, match="no pictures"):
        from_folders(tmp_path)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_addresses_are_fetched(server: str, tmp_path: Path) -> None:
    _picture(tmp_path / "a.png", 7)
    assert (load_sample(Dataset((Sample((f"{server}/a.png",)),)), 0).image.pixels == 7).all()
    with pytest.raises(SampleError, match="404"):
        load_sample(Dataset((Sample((f"{server}/b.png",)),)), 0)

"""Files become shards: read, converted, cut, normalised; bad files stop the run or are left out and listed."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dhtask.pipeline import (
    BadFileError,
    EmptySplitError,
    Item,
    PartitionError,
    PipelineError,
    Recipe,
    prepare,
    shards_from_arrays,
)

UNIT = Recipe(mean=0.0, deviation=1.0)


def save(path: Path, pixels: np.ndarray) -> str:
    Image.fromarray(pixels).save(path)
    return str(path)


def segmentation(folder: Path, count: int, size: tuple[int, int] = (8, 12)) -> list[Item]:
    generator = np.random.default_rng(0)
    return [
        Item(
            save(folder / f"image{index}.png", generator.integers(0, 256, (*size, 3), np.uint8)),
            save(folder / f"mask{index}.png", generator.integers(0, 2, size, np.uint8)),
        )
        for index in range(count)
    ]


def test_pixels_and_masks_arrive_as_they_are_in_the_files(tmp_path: Path) -> None:
    items = segmentation(tmp_path, 3)
    prepared = prepare(items, UNIT, partitions=2)
    images = np.concatenate([shard.images for shard in prepared.shards])
    targets = np.concatenate([shard.targets for shard in prepared.shards])
    for index, item in enumerate(items):
        exact = np.asarray(Image.open(item.location), np.float64).transpose(2, 0, 1) / 255
        np.testing.assert_allclose(images[index], exact, rtol=1e-6)
        np.testing.assert_array_equal(targets[index], np.asarray(Image.open(str(item.label))))
    assert images.dtype == np.float32
    assert targets.dtype == np.uint8


def test_shards_know_the_names_and_the_shape_of_their_samples(tmp_path: Path) -> None:
    prepared = prepare(segmentation(tmp_path, 3), UNIT, partitions=2)
    assert [shard.names for shard in prepared.shards] == [
        ("image0.png", "image1.png"),
        ("image2.png",),
    ]
    assert prepared.shape == (3, 8, 12)
    assert prepared.count == 3


def test_intensities_are_scaled_then_shifted_and_divided(tmp_path: Path) -> None:
    items = [Item(save(tmp_path / "a.png", np.full((4, 4, 3), 255, np.uint8)), 1)]
    prepared = prepare(items, Recipe(mean=0.5, deviation=0.25), partitions=1)
    np.testing.assert_array_equal(prepared.shards[0].images, np.full((1, 3, 4, 4), 2, np.float32))


def test_tiles_of_image_and_mask_are_the_same_places(tmp_path: Path) -> None:
    ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
    items = [
        Item(save(tmp_path / "i.png", ramp), save(tmp_path / "m.png", (ramp > 20).astype(np.uint8)))
    ]
    shard = prepare(items, Recipe("gray", tile=(4, 4), mean=0, deviation=1), partitions=1).shards[0]
    assert shard.names == ("i.png#0", "i.png#1", "i.png#2", "i.png#3")
    np.testing.assert_array_equal(np.round(shard.images[:, 0] * 255) > 20, shard.targets == 1)


def test_resized_images_and_masks_have_the_size_asked_for(tmp_path: Path) -> None:
    shard = prepare(segmentation(tmp_path, 1), Recipe(size=(16, 6)), partitions=1).shards[0]
    assert shard.images.shape == (1, 3, 16, 6)
    assert shard.targets.shape == (1, 16, 6)
    assert set(np.unique(shard.targets)) <= {0, 1}


def test_a_mask_of_two_classes_may_be_black_and_white(tmp_path: Path) -> None:
    mask = np.array([[0, 255], [255, 0]], np.uint8)
    items = [Item(save(tmp_path / "i.png", mask), save(tmp_path / "m.png", mask))]
    shard = prepare(items, Recipe("gray"), partitions=1).shards[0]
    np.testing.assert_array_equal(shard.targets[0], mask // 255)


def test_a_class_label_is_kept_for_every_tile(tmp_path: Path) -> None:
    items = [Item(save(tmp_path / "i.png", np.zeros((8, 8), np.uint8)), 3)]
    shard = prepare(items, Recipe("gray", tile=(4, 8)), partitions=1, classes=4).shards[0]
    np.testing.assert_array_equal(shard.targets, [3, 3])


def test_a_mask_of_another_size_is_named_with_both_sizes(tmp_path: Path) -> None:
    items = segmentation(tmp_path, 1)
    save(tmp_path / "mask0.png", np.zeros((8, 10), np.uint8))
    with pytest.raises(BadFileError, match=r"mask0.png: a mask of 8x10 for an image of 8x12"):
        prepare(items, UNIT, partitions=1)


def test_a_mask_with_too_many_values_is_an_error_that_shows_them(tmp_path: Path) -> None:
    items = segmentation(tmp_path, 1)
    save(tmp_path / "mask0.png", np.tile(np.arange(12, dtype=np.uint8), (8, 1)))
    with pytest.raises(BadFileError, match=r"2 classes holds the numbers 0 to 1, found \[0, 1, 2"):
        prepare(items, UNIT, partitions=1)


def corrupt(item: Item) -> None:
    path = Path(item.location)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_corrupt_file_stops_the_run_and_is_named(tmp_path: Path) -> None:
    items = segmentation(tmp_path, 3, (64, 64))
    corrupt(items[1])
    with pytest.raises(BadFileError, match=r"image1\.png: "):
        prepare(items, UNIT, partitions=2)


def test_a_corrupt_file_can_be_left_out_and_is_listed(tmp_path: Path) -> None:
    items = segmentation(tmp_path, 3, (64, 64))
    corrupt(items[1])
    prepared = prepare(items, UNIT, partitions=2, bad_files="skip")
    assert [name for shard in prepared.shards for name in shard.names] == [
        "image0.png",
        "image2.png",
    ]
    assert [Path(problem.path).name for problem in prepared.problems] == ["image1.png"]
    assert prepared.problems[0].problem


def test_a_missing_file_can_be_left_out(tmp_path: Path) -> None:
    items = [*segmentation(tmp_path, 2), Item(str(tmp_path / "none.png"), 0)]
    prepared = prepare(items, UNIT, partitions=1, bad_files="skip")
    assert prepared.count == 2
    assert len(prepared.problems) == 1


def test_a_partition_whose_files_are_all_left_out_disappears(tmp_path: Path) -> None:
    items = segmentation(tmp_path, 2, (64, 64))
    corrupt(items[0])
    prepared = prepare(items, UNIT, partitions=2, bad_files="skip")
    assert [shard.names for shard in prepared.shards] == [("image1.png",)]


def test_a_split_whose_files_are_all_bad_is_an_error(tmp_path: Path) -> None:
    items = segmentation(tmp_path, 1, (64, 64))
    corrupt(items[0])
    with pytest.raises(EmptySplitError, match="training: none of the 1 files can be used"):
        prepare(items, UNIT, partitions=1, bad_files="skip", split="training")


def test_an_empty_split_is_an_error() -> None:
    with pytest.raises(EmptySplitError, match="validation has no samples"):
        prepare([], UNIT, partitions=1, split="validation")


def test_fewer_files_than_partitions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PartitionError, match="3 partitions need at least 3 samples, found 2"):
        prepare(segmentation(tmp_path, 2), UNIT, partitions=3)


@pytest.mark.parametrize("partitions", [1, 2])
def test_images_of_different_sizes_are_an_error_that_says_what_to_do(
    tmp_path: Path, partitions: int
) -> None:
    items = [
        Item(save(tmp_path / "a.png", np.zeros((8, 8), np.uint8)), 0),
        Item(save(tmp_path / "b.png", np.zeros((8, 9), np.uint8)), 0),
    ]
    with pytest.raises(BadFileError, match=r"b\.png.*bring all to one size, or cut them into tiles"):
        prepare(items, Recipe("gray"), partitions=partitions)


def test_an_unknown_policy_for_bad_files_is_an_error() -> None:
    with pytest.raises(PipelineError, match="bad_files must be one of"):
        prepare([Item("a.png", 0)], UNIT, partitions=1, bad_files="maybe")  # type: ignore[arg-type]  # the error


def test_size_and_tile_together_are_an_error() -> None:
    with pytest.raises(ValueError, match="expected a size or a tile"):
        Recipe(size=(8, 8), tile=(4, 4))


def test_a_bad_file_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(BadFileError("a.png", "is cut off")))
    assert (error.path, error.problem, str(error)) == ("a.png", "is cut off", "a.png: is cut off")


def test_arrays_of_the_program_become_shards() -> None:
    images = np.random.default_rng(0).normal(size=(5, 1, 4, 4))
    targets = np.arange(5)
    shards = shards_from_arrays(images, targets, 2)
    assert [shard.count for shard in shards] == [3, 2]
    np.testing.assert_array_equal(
        np.concatenate([s.images for s in shards]), images.astype(np.float32)
    )
    np.testing.assert_array_equal(np.concatenate([s.targets for s in shards]), targets)


def test_arrays_of_different_length_are_an_error() -> None:
    with pytest.raises(PartitionError, match="5 images and 4 targets"):
        shards_from_arrays(np.zeros((5, 1, 4, 4)), np.zeros(4), 2)

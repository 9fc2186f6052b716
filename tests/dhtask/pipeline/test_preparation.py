"""Files become shards: read, converted, cut, normalised; bad files stop the run or are left out and listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dhcore.data import Dataset, Sample, SampleError, SplitError, load_dataset, save_dataset
from dhtask.errors import ConfigurationError
from dhtask.pipeline import (
    EmptySplitError,
    PartitionError,
    Recipe,
    prepare,
    shards_from_arrays,
)


def save(path: Path, pixels: np.ndarray) -> str:
    Image.fromarray(pixels).save(path)
    return str(path)


def segmentation(folder: Path, count: int, size: tuple[int, int] = (8, 12)) -> Dataset:
    generator = np.random.default_rng(0)
    samples = tuple(
        Sample(
            (save(folder / f"image{index}.png", generator.integers(0, 256, (*size, 3), np.uint8)),),
            mask=save(folder / f"mask{index}.png", generator.integers(0, 2, size, np.uint8)),
            line=10 + index,
        )
        for index in range(count)
    )
    return Dataset(samples, splits={"training": range(count)}, path=folder / "set.yml")


def classified(*entries: tuple[str, int]) -> Dataset:
    samples = tuple(Sample((location,), label=(label,)) for location, label in entries)
    return Dataset(samples, classes=("a", "b", "c", "d"), splits={"training": range(len(entries))})


def test_pixels_and_masks_arrive_as_they_are_in_the_files(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 3)
    prepared = prepare(dataset, "training", Recipe(), partitions=2)
    images = np.concatenate([shard.images for shard in prepared.shards])
    targets = np.concatenate([shard.targets for shard in prepared.shards])
    for index, sample in enumerate(dataset.samples):
        exact = np.asarray(Image.open(sample.locations[0]), np.float64).transpose(2, 0, 1) / 255
        np.testing.assert_allclose(images[index], exact, rtol=1e-6)
        np.testing.assert_array_equal(targets[index], np.asarray(Image.open(str(sample.mask))))
    assert images.dtype == np.float32
    assert targets.dtype == np.uint8


def test_a_dataset_file_and_its_splits_are_followed(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 4).with_splits({"training": [3, 0], "test": [1]})
    save_dataset(dataset, tmp_path / "set.yml")
    read = load_dataset(tmp_path / "set.yml")
    assert prepare(read, "training", Recipe(), partitions=2).shards[0].names == ("image3.png",)
    assert prepare(read, "test", Recipe(), partitions=1).count == 1
    assert prepare(read, None, Recipe(), partitions=1).count == 4


def test_shards_know_the_names_and_the_shape_of_their_samples(tmp_path: Path) -> None:
    prepared = prepare(segmentation(tmp_path, 3), "training", Recipe(), partitions=2)
    names = [shard.names for shard in prepared.shards]
    assert names == [("image0.png", "image1.png"), ("image2.png",)]
    assert prepared.shape == (3, 8, 12)
    assert prepared.count == 3


def test_intensities_are_scaled_then_shifted_and_divided(tmp_path: Path) -> None:
    dataset = classified((save(tmp_path / "a.png", np.full((4, 4, 3), 255, np.uint8)), 1))
    recipe = Recipe(mean=0.5, deviation=0.25)
    shard = prepare(dataset, None, recipe, partitions=1, classes=4).shards[0]
    np.testing.assert_array_equal(shard.images, np.full((1, 3, 4, 4), 2, np.float32))


def test_tiles_of_image_and_mask_are_the_same_places(tmp_path: Path) -> None:
    ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
    mask = save(tmp_path / "m.png", (ramp > 20).astype(np.uint8))
    dataset = Dataset((Sample((save(tmp_path / "i.png", ramp),), mask=mask),))
    shard = prepare(dataset, None, Recipe("gray", tile=(4, 4)), partitions=1).shards[0]
    assert shard.names == ("i.png#0", "i.png#1", "i.png#2", "i.png#3")
    np.testing.assert_array_equal(np.round(shard.images[:, 0] * 255) > 20, shard.targets == 1)


def test_resized_images_and_masks_have_the_size_asked_for(tmp_path: Path) -> None:
    prepared = prepare(segmentation(tmp_path, 1), None, Recipe(size=(16, 6)), partitions=1)
    shard = prepared.shards[0]
    assert shard.images.shape == (1, 3, 16, 6)
    assert shard.targets.shape == (1, 16, 6)
    assert set(np.unique(shard.targets)) <= {0, 1}


def test_a_mask_of_two_classes_may_be_black_and_white(tmp_path: Path) -> None:
    mask = np.array([[0, 255], [255, 0]], np.uint8)
    path = save(tmp_path / "m.png", mask)
    shard = prepare(
        Dataset((Sample((path,), mask=path),)), None, Recipe("gray"), partitions=1
    ).shards[0]
    np.testing.assert_array_equal(shard.targets[0], mask // 255)


def test_a_class_label_is_kept_for_every_tile(tmp_path: Path) -> None:
    dataset = classified((save(tmp_path / "i.png", np.zeros((8, 8), np.uint8)), 3))
    shard = prepare(dataset, None, Recipe("gray", tile=(4, 8)), partitions=1, classes=4).shards[0]
    np.testing.assert_array_equal(shard.targets, [3, 3])


def test_a_mask_of_another_size_is_named_with_both_sizes(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 1)
    save(tmp_path / "mask0.png", np.zeros((8, 10), np.uint8))
    with pytest.raises(SampleError, match=r"image0\.png is 8 x 12, .*mask0\.png is 8 x 10"):
        prepare(dataset, None, Recipe(), partitions=1)


def test_a_mask_with_too_many_values_is_an_error_that_shows_them(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 1)
    save(tmp_path / "mask0.png", np.tile(np.arange(12, dtype=np.uint8), (8, 1)))
    with pytest.raises(SampleError, match=r"2 classes holds the numbers 0 to 1, found \[0, 1, 2"):
        prepare(dataset, None, Recipe(), partitions=1)


def test_a_sample_without_a_label_is_an_error(tmp_path: Path) -> None:
    dataset = Dataset((Sample((save(tmp_path / "i.png", np.zeros((8, 8), np.uint8)),)),))
    with pytest.raises(SampleError, match="expected one class below 2, found no label"):
        prepare(dataset, None, Recipe("gray"), partitions=1)


def test_a_tile_larger_than_an_image_is_an_error_of_that_image(tmp_path: Path) -> None:
    with pytest.raises(
        SampleError, match=r"set\.yml:10: image 0: .*image0\.png: A tile of \(16, 16\)"
    ):
        prepare(segmentation(tmp_path, 1), None, Recipe(tile=(16, 16)), partitions=1)


def corrupt(sample: Sample) -> None:
    path = Path(sample.locations[0])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_corrupt_file_stops_the_run_and_is_named_with_its_place(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 3, (64, 64))
    corrupt(dataset.samples[2])
    with pytest.raises(SampleError, match=r"set\.yml:12: image 2: .*image2\.png"):
        prepare(dataset, "training", Recipe(), partitions=2)


def test_a_corrupt_file_can_be_left_out_and_is_listed(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 3, (64, 64))
    corrupt(dataset.samples[1])
    prepared = prepare(dataset, "training", Recipe(), partitions=2, bad_files="skip")
    names = [name for shard in prepared.shards for name in shard.names]
    assert names == ["image0.png", "image2.png"]
    assert [(problem.line, problem.entry) for problem in prepared.problems] == [(11, "image 1")]


def test_a_missing_file_can_be_left_out(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 3)
    Path(dataset.samples[0].locations[0]).unlink()
    prepared = prepare(dataset, "training", Recipe(), partitions=1, bad_files="skip")
    assert prepared.count == 2
    assert len(prepared.problems) == 1


def test_a_partition_whose_files_are_all_left_out_disappears(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 2, (64, 64))
    corrupt(dataset.samples[0])
    prepared = prepare(dataset, "training", Recipe(), partitions=2, bad_files="skip")
    assert [shard.names for shard in prepared.shards] == [("image1.png",)]


def test_a_split_whose_files_are_all_bad_is_an_error(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 1, (64, 64))
    corrupt(dataset.samples[0])
    with pytest.raises(EmptySplitError, match="split 'training': none of the 1 images can be used"):
        prepare(dataset, "training", Recipe(), partitions=1, bad_files="skip")


def test_an_empty_split_is_an_error(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 1).with_splits({"validation": []})
    with pytest.raises(EmptySplitError, match="split 'validation' has no images"):
        prepare(dataset, "validation", Recipe(), partitions=1)


def test_a_split_that_does_not_exist_is_an_error_that_lists_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(SplitError, match=r"no split 'test'.*'training'"):
        prepare(segmentation(tmp_path, 1), "test", Recipe(), partitions=1)


def test_fewer_files_than_partitions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PartitionError, match="3 partitions need at least 3 samples, found 2"):
        prepare(segmentation(tmp_path, 2), None, Recipe(), partitions=3)


@pytest.mark.parametrize("partitions", [1, 2])
def test_images_of_different_sizes_are_an_error_that_says_what_to_do(
    tmp_path: Path, partitions: int
) -> None:
    dataset = classified(
        (save(tmp_path / "a.png", np.zeros((8, 8), np.uint8)), 0),
        (save(tmp_path / "b.png", np.zeros((8, 9), np.uint8)), 0),
    )
    with pytest.raises(
        SampleError, match=r"b\.png.*bring all to one size \(--size HxW\), or cut them"
    ):
        prepare(dataset, None, Recipe("gray"), partitions=partitions)


def test_an_unknown_policy_for_bad_files_is_an_error(tmp_path: Path) -> None:
    dataset = segmentation(tmp_path, 1)
    with pytest.raises(ConfigurationError, match="bad_files must be one of"):
        prepare(dataset, None, Recipe(), partitions=1, bad_files="maybe")  # type: ignore[arg-type]  # the error


def test_size_and_tile_together_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match="expected a size or a tile"):
        Recipe(size=(8, 8), tile=(4, 4))


def test_arrays_of_the_program_become_shards() -> None:
    images = np.random.default_rng(0).normal(size=(5, 1, 4, 4))
    targets = np.arange(5)
    shards = shards_from_arrays(images, targets, 2)
    assert [shard.count for shard in shards] == [3, 2]
    joined = np.concatenate([shard.images for shard in shards])
    np.testing.assert_array_equal(joined, images.astype(np.float32))
    np.testing.assert_array_equal(np.concatenate([s.targets for s in shards]), targets)


def test_arrays_of_different_length_are_an_error() -> None:
    with pytest.raises(PartitionError, match="5 images and 4 targets"):
        shards_from_arrays(np.zeros((5, 1, 4, 4)), np.zeros(4), 2)

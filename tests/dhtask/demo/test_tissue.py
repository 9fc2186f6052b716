"""The dataset of the demonstration: real tissue, truth by a documented rule, regions that do not touch."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import immunohistochemistry

from dhcore.data import check_dataset, load_dataset, load_sample
from dhtask.demo import REGIONS, write_tissue_dataset
from dhtask.errors import ConfigurationError


def brown_by_hand() -> tuple[np.ndarray, float]:
    """Ruifrok and Johnston's unmixing in double precision, and Otsu's threshold by trying all of 256 bins."""
    stains = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
    light = np.maximum(immunohistochemistry() / 255.0, 1e-6)
    density = np.log(light) / math.log(1e-6)
    amount = np.maximum(density @ np.linalg.inv(stains), 0)[..., 2]
    values = amount[:, : REGIONS["training"][1]].ravel()
    counts, edges = np.histogram(values, 256)
    centres = (edges[1:] + edges[:-1]) / 2
    between = [
        counts[:k].sum() * counts[k:].sum()
        * (np.average(centres[:k], weights=counts[:k]) - np.average(centres[k:], weights=counts[k:])) ** 2
        for k in range(1, 256)
    ]  # fmt: skip
    return amount, float(centres[int(np.argmax(between))])


def test_the_truth_is_what_the_rule_says(tmp_path: Path) -> None:
    tissue = write_tissue_dataset(tmp_path)
    amount, threshold = brown_by_hand()
    assert tissue.threshold == pytest.approx(threshold, rel=1e-3)
    mask = np.asarray(Image.open(tissue.mask))
    assert np.mean(mask == (amount > tissue.threshold)) > 0.9999


def test_regions_share_no_pixel_and_cover_the_picture() -> None:
    columns = [column for start, stop in REGIONS.values() for column in range(start, stop)]
    assert sorted(columns) == list(range(512))


def test_every_tile_is_where_its_split_says(tmp_path: Path) -> None:
    tissue = write_tissue_dataset(tmp_path)
    dataset = load_dataset(tissue.path)
    picture = immunohistochemistry()
    assert [len(dataset.indices(name)) for name in REGIONS] == [9 * 15, 8, 16]
    for name, (start, stop) in REGIONS.items():
        for index in dataset.indices(name):
            place = Path(dataset.samples[index].locations[0]).stem
            row, column = int(place[3:6]), int(place[-3:])
            assert start <= column < stop
            loaded = load_sample(dataset, index)
            np.testing.assert_array_equal(
                loaded.image.pixels, picture[row : row + 64, column : column + 64]
            )


def test_the_dataset_has_no_problem(tmp_path: Path) -> None:
    tissue = write_tissue_dataset(tmp_path, tile=32)
    dataset = load_dataset(tissue.path)
    assert check_dataset(dataset, decode=True) == ()
    assert len(dataset) == 19 * 31 + 2 * 16 + 4 * 16


def test_the_description_says_that_no_pathologist_made_the_truth(tmp_path: Path) -> None:
    dataset = load_dataset(write_tissue_dataset(tmp_path).path)
    assert "not by a pathologist" in dataset.description


def test_a_tile_that_does_not_fill_the_regions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"tile must divide 64.*found 48"):
        write_tissue_dataset(tmp_path, tile=48)

"""Prepare a dataset of image files as tasks: read, cut into tiles, normalise; leave out a damaged file and say so.

`python 04_prepare_dataset.py` and `dhtask run 04_prepare_dataset.py` print the same.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from dhcore.data import load_dataset
from dhtask.demo import write_tissue_dataset
from dhtask.pipeline import Recipe, prepare


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        tissue = write_tissue_dataset(Path(folder))
        dataset = load_dataset(tissue.path)
        damaged = Path(dataset.samples[5].locations[0])
        damaged.write_bytes(damaged.read_bytes()[:1000])
        prepared = prepare(
            dataset, "training", Recipe(tile=(32, 32)), partitions=4, bad_files="skip"
        )
        print(f"{prepared.count} tiles of shape {prepared.shape} in {len(prepared.shards)} shards")
        for problem in prepared.problems:
            print(f"left out: {problem.entry}, {damaged.name}")


if __name__ == "__main__":
    main()

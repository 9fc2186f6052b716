"""Datasets in the DeepHealth format: read, check, make, split, load, batch.

>>> from dhcore import data
>>> samples = tuple(data.Sample((f"{i}.png",), mask=f"{i}_mask.png", group=f"patient {i // 2}") for i in range(20))
>>> dataset = data.split_dataset(data.Dataset(samples), {"training": 0.8, "test": 0.2}, seed=1)
>>> {name: len(indices) for name, indices in dataset.splits.items()}
{'training': 16, 'test': 4}
"""

from __future__ import annotations

from dhcore.data.batches import Batch, Batches, OnError, order_of
from dhcore.data.checking import check_dataset
from dhcore.data.dataset import Dataset, Sample, Task, is_remote
from dhcore.data.dataset_file import load_dataset, save_dataset
from dhcore.data.errors import DatasetFileError, LeakError, Problem, SampleError, SplitError
from dhcore.data.from_files import from_csv, from_folders
from dhcore.data.loading import LoadedSample, load_sample
from dhcore.data.splits import check_leaks, k_fold, split_dataset

__all__ = [
    "Batch",
    "Batches",
    "Dataset",
    "DatasetFileError",
    "LeakError",
    "LoadedSample",
    "OnError",
    "Problem",
    "Sample",
    "SampleError",
    "SplitError",
    "Task",
    "check_dataset",
    "check_leaks",
    "from_csv",
    "from_folders",
    "is_remote",
    "k_fold",
    "load_dataset",
    "load_sample",
    "order_of",
    "save_dataset",
    "split_dataset",
]

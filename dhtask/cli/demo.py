"""``dhtask demo``: the whole way on real images, in a few minutes."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from dhtask.cli.job import (
    add_image_arguments,
    add_training_arguments,
    chosen_recipe,
    chosen_workers,
    given_command,
    refusing,
)
from dhtask.demo import (
    PLACES,
    TRUTH,
    JobOptions,
    print_job,
    run_job,
    write_job_report,
    write_tissue_dataset,
)
from dhtask.report import Fact
from dhtask.training import EpochLines

#: To which images of the user's own dataset are brought unless --size or --tile is given.
_DATA_SIZE: Final = (128, 128)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_training_arguments(parser, epochs=20, out="demo-output")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FILE",
        help="segmentation dataset (DeepHealth YAML) to use instead of the image that scikit-image carries",
    )
    add_image_arguments(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Make the dataset, train, evaluate, measure, report.

    Returns:
        Exit code: 0, 1 when a checkpoint cannot be written, 2 for input that was refused.

    Raises:
        ConfigurationError: An argument makes no sense.
    """
    workers = chosen_workers(arguments)
    options = JobOptions(
        dataset=arguments.data or Path(),
        out=arguments.out,
        network="unet",
        network_options={"width": 32, "levels": 3},
        epochs=arguments.epochs,
        batch_size=max(16, workers),
        partitions=max(2, workers),
        learning_rate=0.005,
        augmentation="Flip(axis='x')\nFlip(axis='y')",
        seed=arguments.seed,
        workers=workers,
        executor=arguments.executor,
        cluster=arguments.cluster,
        recipe=chosen_recipe(arguments, size=_DATA_SIZE if arguments.data else None),
        bad_files=arguments.bad_files,
        measure_scaling=workers > 1,
        design_seconds=arguments.design_seconds,
    )
    return refusing("demo", lambda: _demonstrate(options, own_data=arguments.data is not None))


def _demonstrate(options: JobOptions, *, own_data: bool) -> int:
    facts: list[Fact] = []
    remarks: list[str] = []
    if not own_data:
        tissue = write_tissue_dataset(options.out / "dataset")
        options = replace(
            options,
            dataset=tissue.path,
            class_names=("rest", "DAB"),
            picture=tissue.picture,
            mask=tissue.mask,
        )
        facts = [
            Fact("source", "skimage.data.immunohistochemistry: colon tissue, DAB and haematoxylin"),
            Fact("threshold", round(tissue.threshold, 4)),
            *(Fact(f"DAB in {name}", f"{share:.1%}") for name, share in tissue.shares.items()),
        ]
        remarks = [TRUTH, PLACES]
        print(f"dataset: DAB against the rest in colon tissue, {tissue.path}")
        print("the truth is made by stain separation, not by a pathologist")
    if own_data and options.recipe.size:
        height, width = options.recipe.size
        print(f"every image is brought to {height}x{width}; --size and --tile change that")
    outcome = run_job(options, EpochLines())
    subject = "a tissue picture" if not own_data else outcome.dataset.name or options.dataset.stem
    paths = write_job_report(
        outcome,
        title=f"DeepHealth demonstration: segmentation of {subject}",
        command=given_command(),
        facts=facts,
        remarks=remarks,
    )
    print_job(outcome, paths, sys.stdout)
    return 0

"""``dhtask train``: a network on a dataset of one's own, data-parallel."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from dhcore import nets
from dhtask.cli.job import (
    add_image_arguments,
    add_training_arguments,
    chosen_recipe,
    chosen_workers,
    given_command,
    refusing,
)
from dhtask.demo import JobOptions, print_job, run_job, write_job_report
from dhtask.errors import ConfigurationError
from dhtask.training import EpochLines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("dataset", type=Path, help="DeepHealth YAML file with a split `training`")
    add_training_arguments(parser, epochs=10, out="train-output")
    _add_network_arguments(parser)
    _add_learning_arguments(parser)
    add_image_arguments(parser)


def _add_network_arguments(parser: argparse.ArgumentParser) -> None:
    model = parser.add_argument_group("network")
    model.add_argument(
        "--net",
        default="unet",
        metavar="NAME",
        help=f"one of {', '.join(nets.names())} (default: unet)",
    )
    model.add_argument(
        "--net-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="option of the network, such as width=16; may be repeated",
    )
    model.add_argument(
        "--classes", type=int, default=2, metavar="N", help="classes of a segmentation (default: 2)"
    )


def _add_learning_arguments(parser: argparse.ArgumentParser) -> None:
    learning = parser.add_argument_group("training")
    learning.add_argument(
        "--batch-size",
        type=int,
        default=8,
        metavar="N",
        help="samples of a step, all partitions together (default: 8)",
    )
    learning.add_argument(
        "--partitions",
        type=int,
        metavar="N",
        help="parts of the data that train together (default: one per worker)",
    )
    learning.add_argument(
        "--lr", type=float, default=0.001, help="highest learning rate (default: 0.001)"
    )
    learning.add_argument(
        "--loss",
        choices=("cross_entropy", "dice", "both"),
        default="cross_entropy",
        help="both: their sum, which also finds classes that cover little (default: cross_entropy)",
    )
    learning.add_argument(
        "--local-steps",
        type=int,
        metavar="K",
        help="average parameters every K steps instead of gradients every step",
    )
    learning.add_argument(
        "--augment", type=Path, metavar="FILE", help="augmentation pipeline as text, one a line"
    )
    learning.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in --out"
    )
    learning.add_argument(
        "--speedup", action="store_true", help="repeat the first epochs on one worker and compare"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Train, evaluate, report.

    Returns:
        Exit code: 0, 1 when a checkpoint cannot be written, 2 for input that was refused.

    Raises:
        ConfigurationError: An argument makes no sense.
    """
    workers = chosen_workers(arguments)
    options = JobOptions(
        dataset=arguments.dataset,
        out=arguments.out,
        network=arguments.net,
        network_options=dict(_option(text) for text in arguments.net_option),
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        partitions=workers if arguments.partitions is None else arguments.partitions,
        learning_rate=arguments.lr,
        loss=arguments.loss,
        mode="gradient" if arguments.local_steps is None else "local",
        local_steps=8 if arguments.local_steps is None else arguments.local_steps,
        recipe=chosen_recipe(arguments),
        classes=arguments.classes,
        augmentation=_text(arguments.augment),
        seed=arguments.seed,
        workers=workers,
        executor=arguments.executor,
        cluster=arguments.cluster,
        bad_files=arguments.bad_files,
        resume=arguments.resume,
        measure_scaling=arguments.speedup,
        design_seconds=arguments.design_seconds,
    )
    return refusing("train", lambda: _train(options))


def _train(options: JobOptions) -> int:
    kept = options.out / "checkpoints"
    if not options.resume and kept.is_dir() and any(kept.iterdir()):
        raise ConfigurationError(
            f"{kept} holds a training that would be overwritten: go on from it with --resume, "
            "name another folder with --out, or remove this one"
        )
    outcome = run_job(options, EpochLines())
    title = f"Training of {options.network} on {outcome.dataset.name or options.dataset.name}"
    paths = write_job_report(outcome, title=title, command=given_command())
    print_job(outcome, paths, sys.stdout)
    return 0


def _option(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not found:
        raise ConfigurationError(f"--net-option must be NAME=VALUE, found {text!r}")
    words = {"true": True, "false": False}
    for read in (int, float):
        try:
            return name, read(value)
        except ValueError:
            continue
    return name, words.get(value.lower(), value)


def _text(path: Path | None) -> str:
    try:
        return "" if path is None else path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--augment: {path}: {error.strerror}") from error

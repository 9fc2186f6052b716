"""What ``dhtask train`` and ``dhtask demo`` share: arguments, refusals, exit codes."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dhcore.errors import DhcoreError
from dhtask.errors import ConfigurationError, DhtaskError
from dhtask.pipeline import Recipe
from dhtask.training import CheckpointError

REFUSED: Final = 2
FAILED: Final = 1


def add_training_arguments(parser: argparse.ArgumentParser, *, epochs: int, out: str) -> None:
    """Declare the arguments that both commands have."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(out),
        metavar="DIR",
        help=f"folder of the results (default: {out})",
    )
    parser.add_argument(
        "--epochs", type=int, default=epochs, metavar="N", help=f"(default: {epochs})"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="worker processes (default: one per core)"
    )
    parser.add_argument(
        "--executor",
        choices=("dask", "inline"),
        default="dask",
        help="inline: one task after another, in this process",
    )
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="Dask scheduler to use, such as tcp://host:8786"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="(default: 0)")
    parser.add_argument(
        "--design-seconds",
        type=float,
        default=0.0,
        metavar="T",
        help="time people took to design the pre-processing, counted in toppi (default: 0)",
    )


def add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is done to every image."""
    images = parser.add_argument_group("images")
    images.add_argument("--size", type=_size, metavar="HxW", help="bring every image to this size")
    images.add_argument(
        "--tile", type=_size, metavar="HxW", help="cut every image into tiles of this size"
    )
    images.add_argument(
        "--overlap", type=int, default=0, metavar="N", help="pixels that tiles share (default: 0)"
    )
    images.add_argument("--gray", action="store_true", help="one channel instead of three")
    images.add_argument(
        "--bad-files",
        choices=("stop", "skip"),
        default="stop",
        help="what a file that cannot be used does (default: stop); skip lists it in the report",
    )


def chosen_recipe(arguments: argparse.Namespace, *, size: tuple[int, int] | None = None) -> Recipe:
    """What is done to every image.

    Args:
        arguments: parsed.
        size: to which images are brought when neither a size nor a tile was asked for.
    """
    return Recipe(
        "gray" if arguments.gray else "rgb",
        size=arguments.size or (None if arguments.tile else size),
        tile=arguments.tile,
        overlap=arguments.overlap,
    )


def chosen_workers(arguments: argparse.Namespace) -> int:
    """Number of workers asked for, or of cores.

    Raises:
        ConfigurationError: It is less than one.
    """
    if arguments.workers is None:
        return len(os.sched_getaffinity(0))
    workers = int(arguments.workers)
    if workers < 1:
        raise ConfigurationError(f"--workers must be at least 1, found {workers}")
    return workers


def given_command() -> str:
    """The command line as the user typed it, for the report."""
    program = Path(sys.argv[0]).name
    return shlex.join([program if program == "dhtask" else "dhtask", *sys.argv[1:]])


def refusing(command: str, work: Callable[[], int]) -> int:
    """Do the work; bad input becomes one line and an exit code."""
    try:
        return work()
    except CheckpointError as error:
        print(f"dhtask {command}: error: {error}", file=sys.stderr)
        return FAILED
    except (DhcoreError, DhtaskError) as error:
        print(f"dhtask {command}: error: {error}", file=sys.stderr)
        return REFUSED


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    try:
        size = int(height), int(width or height)
    except ValueError:
        size = 0, 0
    if min(size) < 1:
        raise argparse.ArgumentTypeError(f"expected HxW such as 64x64, found {text!r}")
    return size

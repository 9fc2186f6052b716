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
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="(default: 0)")
    parser.add_argument(
        "--design-seconds",
        type=float,
        default=0.0,
        metavar="T",
        help="time people took to design the pre-processing, counted in toppi (default: 0)",
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

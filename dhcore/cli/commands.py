"""The parser of `dhcore`, and what happens to errors."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from dhcore.cli import dataset, image
from dhcore.cli.parser import OneLineParser
from dhcore.errors import DhcoreError

__all__ = ["main"]

_EXAMPLE = """example:
  dhcore dataset from-csv labels.csv --image image --mask mask --split 0.8 0.2 --seed 1 --out dataset.yml
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the words after `dhcore`; those of the process when None.

    Returns:
        The exit code.

    >>> main(["image", "info", "missing.png"])
    2
    """
    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.run(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    except BrokenPipeError:
        # The reader of a pipe, as `head`, went away; without this Python complains once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (DhcoreError, OSError) as error:
        print(f"dhcore: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="dhcore",
        description="Datasets and images for medical deep learning.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="{dataset,image}")
    dataset.add_commands(commands)
    image.add_commands(commands)
    return parser

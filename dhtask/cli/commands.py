"""Which commands there are, and how one is found and run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, NoReturn

from dhtask._version import VERSION
from dhtask.errors import ClusterError, ConfigurationError

#: Commands and what they do, in the order of the help; each is the module ``dhtask.cli.<name>``.
COMMANDS: Final[Mapping[str, str]] = {
    "run": "run a Python program, its tasks in parallel",
    "train": "train a network on a dataset, data-parallel",
    "demo": "train a segmentation network on real images and write a report",
}

EXAMPLES: Final[Mapping[str, str]] = {
    "": "dhtask run --workers 4 --graph graph.svg app.py input.txt",
    "run": "dhtask run --workers 4 --graph graph.svg app.py input.txt",
    "demo": "dhtask demo --out demo-output",
}

REFUSED: Final = 2
INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        Exit code: 0 for success, 2 for input that was refused, 130 after Ctrl-C, otherwise the command's own.

    Example:
        >>> main(["--version"])
        dhtask 0.1.0
        0
    """
    given = sys.argv[1:] if argv is None else list(argv)
    command = next((word for word in given if not word.startswith("-")), "")
    try:
        arguments = _parser(command).parse_args(given)
        module = import_module(f"dhtask.cli.{arguments.command}")
        return int(module.execute(arguments))
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    except (ConfigurationError, ClusterError) as error:
        print(f"dhtask {command}: error: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("dhtask: interrupted", file=sys.stderr)
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(REFUSED, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _parser(command: str) -> argparse.ArgumentParser:
    """The parser with the arguments of one command; the others are there by name only."""
    parser = _Parser(
        prog="dhtask",
        description="Runs Python functions as parallel tasks, and trains medical networks with them.",
        epilog=f"example: {EXAMPLES['']}",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"dhtask {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, purpose in COMMANDS.items():
        example = EXAMPLES.get(name)
        sub = commands.add_parser(
            name,
            help=purpose,
            description=f"{purpose[0].upper()}{purpose[1:]}.",
            epilog=f"example: {example}" if example else None,
            allow_abbrev=False,
        )
        if name == command:
            import_module(f"dhtask.cli.{name}").add_arguments(sub)
    return parser

"""An argument parser that says what is wrong in one line."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

__all__ = ["OneLineParser", "add_group"]


class OneLineParser(argparse.ArgumentParser):
    """As `argparse.ArgumentParser`, without the usage before an error."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave with code 2.

        Args:
            message: one line.
        """
        print(f"{self.prog}: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


def add_group(commands: Any, name: str, text: str, example: str) -> Any:
    """Add a command that has commands of its own.

    Args:
        commands: where to add it.
        name: of the command.
        text: one line for the help.
        example: the last line of the help.

    Returns:
        Where its commands are added.
    """
    group = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return group.add_subparsers(required=True, metavar="COMMAND")

"""The command line: ``dhtask run | train | demo``.

A command is a module of this package with two functions::

    def add_arguments(parser: argparse.ArgumentParser) -> None: ...
    def execute(arguments: argparse.Namespace) -> int: ...       # the exit code

`main` imports only the module of the command that is asked for. What a command refuses before it begins
(a `ConfigurationError`, a `ClusterError`) becomes one line and exit code 2; an interrupt becomes 130.
"""

from __future__ import annotations

from dhtask.cli.commands import COMMANDS, main

__all__ = ["COMMANDS", "main"]

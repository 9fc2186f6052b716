"""The command `dhcore`: datasets and images from the shell.

Exit codes: 0 when all is well, 1 when `dataset check` found problems, 2 when the request cannot be carried out.
"""

from __future__ import annotations

from dhcore.cli.commands import main

__all__ = ["main"]

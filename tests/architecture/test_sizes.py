"""Files and functions stay small enough to be read in one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import MODULES, ROOT, tree_of

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60


def functions_of(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length without docstring of every function of a file."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            yield (
                f"{path.relative_to(ROOT)}:{node.lineno} {node.name}",
                (node.end_lineno or 0) - body[0].lineno + 1,
            )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_FILE_LINES, f"{path} has {lines} lines: which second noun lives there?"


def test_functions_are_short() -> None:
    long = [
        f"{where}: {length} lines"
        for path in MODULES
        for where, length in functions_of(path)
        if length > MAX_FUNCTION_LINES
    ]
    assert not long, "\n".join(long)

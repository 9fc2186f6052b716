"""What a package promises is listed once, sorted, and exists."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from tests.architecture.sources import MODULES, ROOT, is_public, module_name, tree_of

FRONTS = [path for path in MODULES if path.name == "__init__.py" and is_public(module_name(path))]


def re_exports(path: Path) -> set[str]:
    """Public names that a package's front imports from the project."""
    return {
        alias.asname or alias.name
        for node in tree_of(path).body
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[0] in {"dhcore", "dhtask"}
        for alias in node.names
        if not (alias.asname or alias.name).startswith("_")
    }


@pytest.mark.parametrize("path", FRONTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_front_of_a_package_lists_its_names_sorted(path: Path) -> None:
    module = importlib.import_module(module_name(path))
    names = list(getattr(module, "__all__", []))
    assert names == sorted(names)
    assert [name for name in names if not hasattr(module, name)] == []
    assert re_exports(path) - set(names) == set()


def test_importing_the_runtime_does_not_load_heavy_libraries() -> None:
    import subprocess
    import sys

    heavy = ("distributed", "matplotlib", "skimage", "torch", "numba", "dhcore")
    code = f"import sys, dhtask; print([name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert loaded.stdout.strip() == "[]"

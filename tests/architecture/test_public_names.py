"""What a package promises is listed once, sorted, and exists."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from tests.architecture.sources import MODULES, ROOT, is_public, module_name, tree_of

FRONTS = [path for path in MODULES if path.name == "__init__.py" and is_public(module_name(path))]


def passed_on(path: Path) -> set[str]:
    """Public names of the project that a package's front imports and does not use itself."""
    tree = tree_of(path)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").split(".")[0] in {"dhcore", "dhtask"}
        for alias in node.names
    }
    return {name for name in imported - used if not name.startswith("_")}


@pytest.mark.parametrize("path", FRONTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_front_of_a_package_lists_the_names_it_passes_on(path: Path) -> None:
    # That the list is sorted, constants before classes before functions, is ruff's RUF022.
    module = importlib.import_module(module_name(path))
    names = list(getattr(module, "__all__", []))
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(module, name)] == []
    assert passed_on(path) - set(names) == set()


def test_importing_the_runtime_does_not_load_heavy_libraries() -> None:
    import subprocess
    import sys

    heavy = ("distributed", "matplotlib", "skimage", "torch", "numba", "dhcore")
    code = f"import sys, dhtask; print([name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert loaded.stdout.strip() == "[]"

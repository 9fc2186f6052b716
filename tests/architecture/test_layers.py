"""The import graph is the architecture: an arrow that docs/design/architecture.md does not draw is a defect."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import MODULES, ROOT, imports_of, module_name

RUNTIME_BASE: Final = frozenset(
    {"dhtask.errors", "dhtask.config", "dhtask._model", "dhtask._version"}
)
CORE_BASE: Final = frozenset(
    {"dhcore.errors", "dhcore.dtypes", "dhcore.device", "dhcore.random", "dhcore.threads"}
)
NUMERICS: Final = CORE_BASE | {"dhcore._backends", "dhcore._ops", "dhcore._plan", "dhcore.tensor"}
LEARNING: Final = NUMERICS | {
    "dhcore.nn",
    "dhcore.losses",
    "dhcore.metrics",
    "dhcore.optim",
    "dhcore.serial",
}
IMAGING: Final = frozenset({"dhcore.image", "dhcore.augment", "dhcore.data"})
#: What a user of the library sees; the upper rooms of dhtask may stand on nothing else of it.
CORE_PUBLIC: Final = CORE_BASE | IMAGING | {
    "dhcore", "dhcore.tensor", "dhcore.nn", "dhcore.losses", "dhcore.metrics", "dhcore.optim",
    "dhcore.nets", "dhcore.serial",
}  # fmt: skip
TASK_PUBLIC: Final = frozenset({"dhtask", "dhtask.errors", "dhtask._version"})

#: Layer -> the layers it may import; its own is always allowed.
ALLOWED: Final[dict[str, frozenset[str]]] = {
    "dhcore": CORE_PUBLIC,
    "dhcore.errors": frozenset(),
    "dhcore.dtypes": CORE_BASE,
    "dhcore.device": CORE_BASE,
    "dhcore.random": CORE_BASE,
    "dhcore.threads": CORE_BASE,
    "dhcore._backends": CORE_BASE,
    "dhcore._ops": CORE_BASE | {"dhcore._backends", "dhcore.tensor"},
    "dhcore.tensor": CORE_BASE | {"dhcore._backends", "dhcore._ops"},
    "dhcore._plan": CORE_BASE | {"dhcore._backends", "dhcore._ops"},
    "dhcore.nn": LEARNING - {"dhcore.serial"},
    "dhcore.losses": NUMERICS,
    "dhcore.metrics": NUMERICS,
    "dhcore.optim": NUMERICS,
    "dhcore.serial": CORE_BASE | {"dhcore.nn"},
    "dhcore.nets": LEARNING - {"dhcore.serial"},
    "dhcore.image": CORE_BASE,
    "dhcore.augment": CORE_BASE | {"dhcore.image"},
    "dhcore.data": CORE_BASE | {"dhcore.image", "dhcore.augment"},
    "dhcore.testing": NUMERICS,
    "dhcore.cli": CORE_PUBLIC,
    "dhtask.errors": frozenset(),
    "dhtask._version": frozenset(),
    "dhtask._model": frozenset({"dhtask.errors"}),
    "dhtask.config": frozenset({"dhtask.errors", "dhtask._model"}),
    "dhtask._graph": RUNTIME_BASE,
    "dhtask._executors": RUNTIME_BASE,
    "dhtask._runtime": RUNTIME_BASE | {"dhtask._graph", "dhtask._executors"},
    "dhtask._api": RUNTIME_BASE | {"dhtask._runtime"},
    "dhtask": RUNTIME_BASE | {"dhtask._api", "dhtask._runtime"},
    "dhtask.testing": RUNTIME_BASE | {"dhtask._executors"},
    "dhtask.observe": frozenset({"dhtask.errors", "dhtask._model"}),
    "dhtask.kpi": frozenset({"dhtask.errors"}),
    "dhtask.report": frozenset({"dhtask.errors", "dhtask.kpi", "dhtask.observe", "dhtask._version"})
    | CORE_PUBLIC,
    "dhtask.pipeline": TASK_PUBLIC | CORE_PUBLIC,
    "dhtask.training": TASK_PUBLIC | CORE_PUBLIC | {"dhtask.observe"},
    "dhtask.demo": TASK_PUBLIC
    | CORE_PUBLIC
    | {"dhtask.training", "dhtask.pipeline", "dhtask.kpi", "dhtask.report", "dhtask.observe"},
    "dhtask.cli": TASK_PUBLIC
    | CORE_PUBLIC
    | {
        "dhtask.observe",
        "dhtask.training",
        "dhtask.pipeline",
        "dhtask.demo",
        "dhtask.kpi",
        "dhtask.report",
    },
}


def layer_of(module: str) -> str | None:
    """The innermost layer that holds a module."""
    return max(
        (name for name in ALLOWED if f"{module}.".startswith(f"{name}.")), key=len, default=None
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_the_layers_drawn_below_it(path: Path) -> None:
    here = layer_of(module_name(path))
    assert here is not None, (
        f"{path} belongs to no layer; draw it in docs/design/architecture.md and here"
    )
    crossings = [
        f"{path.relative_to(ROOT)}:{line}: {here} must not import {target}"
        for line, target in imports_of(path)
        if layer_of(target) not in {None, here} | ALLOWED[here]
    ]
    assert not crossings, "\n".join(crossings)


def test_a_forbidden_import_would_be_seen() -> None:
    assert layer_of("dhtask._graph.tracker") == "dhtask._graph"
    assert layer_of("dhtask._executors.dask.DaskExecutor") not in ALLOWED["dhtask._graph"]
    assert layer_of("dhtask.task") == "dhtask"
    assert layer_of("dhtask.task") not in ALLOWED["dhtask._runtime"]

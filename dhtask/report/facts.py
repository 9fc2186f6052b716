"""Facts of the machine and of the software that a figure depends on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from dhtask._version import VERSION
from dhtask.observe.words import data_size
from dhtask.report.content import Fact

#: Packages whose versions may change a result or a time.
PACKAGES: Final = (
    "numpy",
    "scipy",
    "numba",
    "scikit-image",
    "pillow",
    "dask",
    "distributed",
    "cloudpickle",
    "onednn-cpu-gomp",
)


def package_versions(packages: Iterable[str] = PACKAGES) -> tuple[Fact, ...]:
    """Versions of this project, of Python, and of the packages that are installed.

    Args:
        packages: Names as on the package index; those that are not installed are left out.

    Example:
        >>> package_versions(["no-such-package"])[0].name
        'deephealth'
    """
    facts = [Fact("deephealth", VERSION), Fact("python", platform.python_version())]
    for name in packages:
        try:
            facts.append(Fact(name, version(name)))
        except PackageNotFoundError:
            continue
    return tuple(facts)


def machine_facts() -> tuple[Fact, ...]:
    """Processor, cores, memory and operating system of this machine.

    Example:
        >>> [fact.name for fact in machine_facts()]
        ['processor', 'cores', 'memory', 'system']
    """
    import psutil

    return (
        Fact("processor", _processor()),
        Fact("cores", len(os.sched_getaffinity(0))),
        Fact("memory", data_size(psutil.virtual_memory().total)),
        Fact("system", f"{platform.system()} {platform.machine()}"),
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

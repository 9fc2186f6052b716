"""What every test stands on: no process outlives the session, real data only where the user names it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest


def _surviving_children() -> list[str]:
    """Command lines of child processes, the interpreter's own resource tracker aside."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            command = " ".join(child.cmdline())
            if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in command:
                found.append(f"{child.pid} {command}")
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.fixture(scope="session", autouse=True)
def _no_process_outlives_the_session() -> Iterator[None]:
    """Set up first, hence torn down last: after every cluster that a fixture of the session holds."""
    yield
    psutil.wait_procs(psutil.Process().children(recursive=True), timeout=5)
    assert _surviving_children() == []


@pytest.fixture(scope="session")
def medical_data() -> Path:
    """The folder of real medical images named by DEEPHEALTH_DATA; without it the test is skipped."""
    folder = os.environ.get("DEEPHEALTH_DATA")
    if not folder:
        pytest.skip("DEEPHEALTH_DATA does not name a folder of medical images")
    return Path(folder)

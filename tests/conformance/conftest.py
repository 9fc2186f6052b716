"""Every test of the suite runs on every executor; the Dask cluster is started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dhtask
from dhtask._executors.embedded import EmbeddedCluster
from dhtask.testing import FakeExecutor


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Address of a Dask scheduler with two workers."""
    embedded = EmbeddedCluster(2, 1, dashboard=False)
    try:
        yield embedded.wait_until_ready()["address"]
    finally:
        embedded.close()


@pytest.fixture(params=["inline", "fake", "dask"])
def runtime(request: pytest.FixtureRequest) -> Iterator[dhtask.Runtime]:
    """An open runtime."""
    if request.param == "dask":
        made = dhtask.Runtime(cluster=request.getfixturevalue("cluster"), validate=True)
    elif request.param == "fake":
        made = dhtask.Runtime(executor=FakeExecutor(seed=5), validate=True)
    else:
        made = dhtask.Runtime(executor="inline", validate=True)
    made.open()
    try:
        yield made
    finally:
        made.close()

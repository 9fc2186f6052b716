"""Errors travel between processes: Dask revives them in its own way."""

from __future__ import annotations

import importlib
import inspect

import pytest

from tests.architecture.sources import MODULES, module_name


def exceptions() -> list[type[BaseException]]:
    """Every exception class that the project defines."""
    found = {
        member
        for path in MODULES
        for member in vars(importlib.import_module(module_name(path))).values()
        if inspect.isclass(member)
        and issubclass(member, BaseException)
        and member.__module__.partition(".")[0] in {"dhcore", "dhtask"}
    }
    return sorted(found, key=lambda member: (member.__module__, member.__name__))


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__name__)
def test_an_exception_can_be_revived_without_its_constructor(kind: type[BaseException]) -> None:
    # tblib.pickling_support, which distributed installs, makes exceptions by __new__.
    assert isinstance(kind.__new__(kind), kind)

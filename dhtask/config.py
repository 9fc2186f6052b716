"""The settings of a runtime: defaults < file < environment < arguments.

The file is the one that ``$DHTASK_CONFIG`` names, else ``dhtask.yml`` in the current folder if there is one. A
setting ``name`` is read from the environment as ``DHTASK_NAME``. An error says where the value came from.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

from dhtask.errors import ConfigurationError

__all__ = ["Config", "ExecutorName", "load_config"]

#: What runs the tasks.
ExecutorName = Literal["dask", "inline"]

_FILE: Final = "dhtask.yml"
_WHOLE: Final = ("workers", "threads_per_worker", "max_in_flight")
_TRUE: Final = ("1", "true", "yes", "on")
_FALSE: Final = ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a runtime.

    Args:
        executor: ``"dask"`` runs tasks on processes, ``"inline"`` in the program itself, one after the other.
        workers: worker processes of the embedded cluster; None takes one per core.
        threads_per_worker: computing units of each of them.
        cluster: address of a Dask scheduler to use instead of an embedded cluster.
        connect_timeout: seconds to wait for that scheduler.
        max_in_flight: tasks handed to the executor at once.
        working_directory: where versions of files are kept; None makes a folder for the run and removes it.
        dashboard: whether the embedded cluster serves Dask's dashboard.
        validate: whether the graph checks its own invariants after every event; slow, for tests.

    Raises:
        ConfigurationError: a value is out of range.

    Example:
        >>> from dhtask.config import Config
        >>> Config(workers=2).workers
        2
    """

    executor: ExecutorName = "dask"
    workers: int | None = None
    threads_per_worker: int = 1
    cluster: str | None = None
    connect_timeout: float = 5.0
    max_in_flight: int = 10_000
    working_directory: str | None = None
    dashboard: bool = False
    validate: bool = False

    def __post_init__(self) -> None:
        _check(self, dict.fromkeys(_names(), "the arguments"))


def _names() -> list[str]:
    return [field.name for field in fields(Config)]


def _check(config: Config, sources: Mapping[str, str]) -> None:
    if config.executor not in get_args(ExecutorName):
        raise _error("executor", config.executor, "one of 'dask', 'inline'", sources)
    for name in _WHOLE:
        value = getattr(config, name)
        if value is None and name == "workers":
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise _error(name, value, "a whole number of at least 1", sources)
    if config.connect_timeout <= 0:
        raise _error("connect_timeout", config.connect_timeout, "a positive number", sources)


def _error(name: str, value: object, wanted: str, sources: Mapping[str, str]) -> ConfigurationError:
    return ConfigurationError(f"{name} must be {wanted}, found {value!r} in {sources[name]}")


def load_config(environment: Mapping[str, str] | None = None, **arguments: Any) -> Config:
    """Put the settings together from all their sources.

    Args:
        environment: variables to read; None reads those of the process.
        arguments: what the program says; None means that it says nothing.

    Raises:
        ConfigurationError: a setting is unknown, or its value cannot be used; names the source.

    Example:
        >>> from dhtask.config import load_config
        >>> load_config({"DHTASK_WORKERS": "3"}, executor="inline").workers
        3
    """
    variables = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    sources = dict.fromkeys(_names(), "the defaults")
    for source, found in (
        *_from_file(variables),
        *_from_environment(variables),
        ("the arguments", {k: v for k, v in arguments.items() if v is not None}),
    ):
        for name, value in found.items():
            if name not in sources:
                raise ConfigurationError(
                    f"there is no setting {name!r} (found in {source}); there are: {', '.join(sources)}"
                )
            values[name] = value
            sources[name] = source
    config = object.__new__(Config)
    for name in _names():
        object.__setattr__(config, name, values.get(name, _DEFAULTS[name]))
    _check(config, sources)
    return config


def _from_file(variables: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    named = variables.get("DHTASK_CONFIG")
    path = Path(named or _FILE)
    if not path.exists():
        if named:
            raise ConfigurationError(f"$DHTASK_CONFIG names {named!r}, which does not exist")
        return []
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path} must hold settings such as `workers: 2`, found {content!r}"
        )
    return [(str(path), content)]


def _from_environment(variables: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name in _names():
        variable = f"DHTASK_{name.upper()}"
        if variable in variables:
            source = f"${variable}"
            found.append((source, {name: _parse(name, variables[variable], source)}))
    return found


def _parse(name: str, text: str, source: str) -> Any:
    default = _DEFAULTS[name]
    try:
        if isinstance(default, bool):
            if text.lower() not in _TRUE + _FALSE:
                raise ValueError(text)
            return text.lower() in _TRUE
        if name in _WHOLE:
            return int(text)
        return float(text) if isinstance(default, float) else text
    except ValueError:
        wanted = "yes or no" if isinstance(default, bool) else "a number"
        raise ConfigurationError(f"{name} must be {wanted}, found {text!r} in {source}") from None


_DEFAULTS: Final = {field.name: field.default for field in fields(Config)}

"""Settings come from four places, and an error says from which."""

from __future__ import annotations

from pathlib import Path

import pytest

from dhtask.config import Config, load_config
from dhtask.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_each_source_overrides_the_one_before() -> None:
    assert load_config({}) == Config()
    Path("dhtask.yml").write_text("workers: 3\nmax_in_flight: 7\nexecutor: inline\n")
    assert load_config({}).workers == 3
    environment = {
        "DHTASK_WORKERS": "4",
        "DHTASK_DASHBOARD": "yes",
        "DHTASK_CONNECT_TIMEOUT": "2.5",
    }
    config = load_config(environment, max_in_flight=9, cluster=None)
    assert config == Config("inline", 4, connect_timeout=2.5, max_in_flight=9, dashboard=True)


@pytest.mark.parametrize(
    ("content", "environment", "arguments", "message"),
    [
        ("workers: 0", {}, {}, "workers must be .* at least 1, found 0 in dhtask.yml"),
        (
            "",
            {"DHTASK_WORKERS": "two"},
            {},
            r"workers must be a number, found 'two' in \$DHTASK_WORKERS",
        ),
        ("", {"DHTASK_DASHBOARD": "2"}, {}, r"yes or no, found '2' in \$DHTASK_DASHBOARD"),
        ("", {}, {"executor": "ray"}, "'dask', 'inline', found 'ray' in the arguments"),
        ("", {}, {"connect_timeout": -1}, "positive number, found -1 in the arguments"),
        ("worker: 1", {}, {}, r"no setting 'worker' \(found in dhtask.yml\); there are: executor"),
        ("- 1", {}, {}, "must hold settings"),
        ("a: [", {}, {}, "is not YAML"),
        ("", {"DHTASK_CONFIG": "none.yml"}, {}, "names 'none.yml', which does not exist"),
    ],
)
def test_an_error_names_the_source(
    content: str, environment: dict[str, str], arguments: dict[str, object], message: str
) -> None:
    Path("dhtask.yml").write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        load_config(environment, **arguments)


def test_the_settings_are_checked_when_made_by_hand() -> None:
    with pytest.raises(ConfigurationError, match="threads_per_worker"):
        Config(threads_per_worker=0)

"""Task graph and timeline as files."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

from dhtask.errors import ConfigurationError
from dhtask.observe import (
    RunRecord,
    graph_dot,
    graph_svg,
    timeline_svg,
    write_graph,
    write_trace,
)
from dhtask.observe.colours import PALETTE, TEXT, colours_of
from dhtask.observe.svg import namespaced
from dhtask.observe.timeline import ticks
from tests.dhtask.observe.runs import RUNS, Scenario, small, training, wide

SVG = "{http://www.w3.org/2000/svg}"
BOX_NUMBERS = re.compile(r"^(?:task (\d+)|([\d,]+) tasks: )", re.MULTILINE)


def titles(svg: str) -> list[str]:
    return [title.text or "" for title in ET.fromstring(svg).iter(f"{SVG}title")]


@pytest.mark.parametrize("draw", [graph_svg, timeline_svg])
@pytest.mark.parametrize("name", RUNS)
def test_pictures_are_well_formed_and_the_same_each_time(name: str, draw: object) -> None:
    assert callable(draw)
    record = RUNS[name]()
    picture = draw(record)
    assert ET.fromstring(picture).tag == f"{SVG}svg"
    assert picture == draw(record)


@pytest.mark.parametrize("name", RUNS)
def test_boxes_of_the_picture_add_up_to_all_tasks(name: str) -> None:
    record = RUNS[name]()
    matches = [
        match for title in titles(graph_svg(record)) for match in BOX_NUMBERS.finditer(title)
    ]
    counts = [1 if match[1] else int(match[2].replace(",", "")) for match in matches]
    assert sum(counts) == len(record.tasks)


def test_a_small_picture_has_a_box_for_each_task() -> None:
    text = "\n".join(titles(graph_svg(small())))
    assert sorted(int(n) for n in re.findall(r"^task (\d+)$", text, re.MULTILINE)) == list(
        range(1, 18)
    )


def test_a_picture_of_ten_thousand_tasks_is_small() -> None:
    assert len(graph_svg(wide())) < 100_000
    assert len(timeline_svg(wide())) < 300_000


def test_names_that_look_like_markup_are_escaped() -> None:
    run = Scenario()
    run.call('<script>&"\x00', groups=["<b>"])
    record = run.close()
    for picture in (graph_svg(record), timeline_svg(record)):
        assert "<script>" not in picture
        ET.fromstring(picture)


def test_the_error_of_a_failed_task_is_in_its_tooltip() -> None:
    assert any("ValueError: <no & classes>" in title for title in titles(graph_svg(small())))


def test_every_function_has_a_colour_of_its_own() -> None:
    names = [f"f{number}" for number in range(40)]
    assert len(set(colours_of(names).values())) == 40


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [*PALETTE, *colours_of(map(str, range(60))).values()])
def test_text_is_readable_on_every_colour(colour: str) -> None:
    # Contrast ratio of WCAG 2.2; 4.5 is level AA.
    assert (luminance(colour) + 0.05) / (luminance(TEXT) + 0.05) >= 4.5


def test_ids_of_a_picture_can_be_set_apart() -> None:
    picture = namespaced(graph_svg(small()), "a-")
    root = ET.fromstring(picture)
    ids = {node.get("id") for node in root.iter() if node.get("id")}
    assert ids == {"a-tip"}
    assert set(re.findall(r"url\(#([^)]*)\)", picture)) == ids


def test_dot_names_every_node_once_and_links_only_those() -> None:
    text = graph_dot(training())
    nodes = re.findall(r"^\s+(n\d+) \[label=", text, re.MULTILINE)
    ends = set(re.findall(r"\bn\d+(?= ->)|(?<=-> )n\d+", text))
    assert len(nodes) == len(set(nodes))
    assert ends <= set(nodes)
    assert text.count("{") == text.count("}")


def test_dot_quotes_names() -> None:
    run = Scenario()
    run.call('say "hello"\\')
    assert 'label="say \\"hello\\"\\\\"' in graph_dot(run.close())


def test_a_json_graph_is_the_record(tmp_path: Path) -> None:
    record = small()
    text = write_graph(record, tmp_path / "run.json").read_text(encoding="utf-8")
    assert RunRecord.from_json(text) == record


@pytest.mark.parametrize("suffix", [".svg", ".dot", ".json"])
def test_a_graph_is_written_by_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"graph{suffix}"
    assert write_graph(small(), str(path)) == path
    assert path.stat().st_size > 500


def test_an_unknown_suffix_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\.svg, \.dot, \.json.*graph\.bmp"):
        write_graph(small(), tmp_path / "graph.bmp")
    assert list(tmp_path.iterdir()) == []


def test_a_trace_is_written(tmp_path: Path) -> None:
    assert write_trace(small(), tmp_path / "trace.json").stat().st_size > 500


@pytest.mark.parametrize("limit", [1e-6, 0.003, 0.9, 1.0, 12.3, 59.0, 3600.0])
def test_ticks_are_few_even_and_within_the_limit(limit: float) -> None:
    values = ticks(limit, 7)
    steps = {round((b - a) / limit, 6) for a, b in pairwise(values)}
    assert len(steps) == 1
    assert 3 <= len(values) <= 9
    assert values[0] == 0.0
    assert values[-1] <= limit * 1.0001

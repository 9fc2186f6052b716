"""The page and the JSON file."""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dhtask.report import Report, machine_facts, package_versions, write_report
from dhtask.report.page import page_html
from tests.dhtask.report.samples import bare, full

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Reads a page and notes what is wrong with its tree."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.mark.parametrize("report", [full(), bare()], ids=["full", "bare"])
def test_the_page_is_well_formed(report: Report) -> None:
    page = Page(page_html(report))
    assert page.faults == []
    assert page.open == []


def test_the_page_needs_no_other_file() -> None:
    html = page_html(full())
    page = Page(html)
    sources = [
        a.get("src") or a.get("href") or "" for _, a in page.tags if "src" in a or "href" in a
    ]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"@import|url\((?!#)", html)
    assert page.of("script") == []


def test_every_id_of_the_page_is_there_once() -> None:
    html = page_html(full())
    ids = Counter(a["id"] for _, a in Page(html).tags if "id" in a)
    assert ids
    assert set(ids.values()) == {1}
    assert set(re.findall(r"url\(#([^)]*)\)", html)) <= set(ids)


def test_every_picture_has_words_and_its_pixels() -> None:
    report = full()
    images = Page(page_html(report)).of("img")
    assert [a["alt"] for a in images] == ["The image"] + ["noise over noise"] * 3
    data = (images[0]["src"] or "").partition(",")[2]
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert np.array_equal(np.asarray(picture), report.panel[0].pixels)


def test_words_are_escaped() -> None:
    html = page_html(full())
    assert "Noise &lt;segmented&gt; &amp; reported" in html
    assert "<segmented>" not in html
    assert "<one>" not in html


def test_the_page_tells_the_figures() -> None:
    text = " ".join("".join(Page(page_html(full())).words).split())
    for words in ("0.750", "0.600", "12.5 s", "1 min 00 s", "3.00", "75%", "1,234,567", "1,200"):
        assert words in text, words


def test_a_bare_report_has_no_empty_sections() -> None:
    page = Page(page_html(bare()))
    assert page.of("img") == page.of("svg") == page.of("meter") == []
    assert "nan" not in " ".join(page.words).lower().split()


def test_the_same_report_gives_the_same_files(tmp_path: Path) -> None:
    one, other = write_report(full(), tmp_path / "a"), write_report(full(), tmp_path / "b" / "c")
    assert one.html.read_bytes() == other.html.read_bytes()
    assert one.json.read_bytes() == other.json.read_bytes()


def test_the_json_file_has_the_promised_keys(tmp_path: Path) -> None:
    report = full()
    text = write_report(report, tmp_path).json.read_text(encoding="utf-8")
    figures = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert figures["metrics"]["dice"] == 0.75
    assert figures["metrics"]["iou"] == 0.6
    assert figures["metrics"]["per_class"]["nucleus"] == {"iou": 0.5, "dice": 0.7}
    assert figures["metrics"]["per_class"]["absent"] == {"iou": None, "dice": None}
    assert figures["kpi"]["toppi_s"] == 12.5
    assert figures["kpi"]["totm_s"] == 60.0
    assert figures["kpi"]["speedup"] == 3.0
    assert figures["kpi"]["efficiency"] == 0.75
    assert figures["history"]["loss"]["validation"] == [1.0, None, 0.5]
    assert figures["dataset"] == {"images": 1200, "source": "made up", "share": 0.125}
    assert figures["network"]["parameters"] == 1_234_567
    assert figures["versions"]["numpy"] == "2.4.6"
    assert figures["machine"] == {"cores": 2}
    assert figures["problems"] == [{"path": "bad/<one>.png", "reason": "cut short"}]
    assert (figures["seed"], figures["command"]) == (7, 'dhtask demo --out "a & b"')


def test_what_is_not_known_is_null(tmp_path: Path) -> None:
    figures = json.loads(write_report(bare(), tmp_path).json.read_text(encoding="utf-8"))
    assert figures["metrics"]["dice"] is None
    assert set(figures["kpi"].values()) == {None}


def test_facts_are_those_of_this_interpreter() -> None:
    versions = {fact.name: fact.value for fact in package_versions(["numpy", "no-such-package"])}
    assert versions["numpy"] == np.__version__
    assert set(versions) == {"deephealth", "python", "numpy"}
    assert all(fact.value for fact in machine_facts())

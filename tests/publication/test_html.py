"""The page: one file, whole, escaped, and with all that an engineer asks for."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from duskwatch.publication.html import tied, to_html
from duskwatch.publication.report_json import schema
from duskwatch.publication.write import write_report
from duskwatch.records.entity import Entity
from duskwatch.records.outages import When
from duskwatch.records.reason import in_words
from duskwatch.records.report import InputFile, Report
from duskwatch.records.signals import Gap
from tests.publication.build import MADE, files, kp, large, page_of

WRITTEN = ["report.html", "report.json", "report.md", "outages.csv", "prefixes.csv", "inputs.csv"]
VOID = {"meta", "link", "br", "img", "path", "rect", "line", "circle", "hr", "input"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; checks that tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data

    def ids(self) -> list[str]:
        return [str(attrs["id"]) for _, attrs in self.elements if "id" in attrs]


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_made_report_becomes_a_page_whose_tags_nest(name: str) -> None:
    page = Page(page_of(name))
    assert len(page.ids()) == len(set(page.ids()))
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert "nan" not in page.text.lower().split()
    assert "None" not in page.text.replace("None is counted", "").split()


def _is_chart(address: str) -> bool:
    return re.match(r"data:(image/svg\+xml|image/png|text/csv);base64,[A-Za-z0-9+/]+=*$", address) is not None


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_page_names_no_address_and_holds_no_script(name: str) -> None:
    text = page_of(name)
    page = Page(text)
    assert not [tag for tag, _ in page.elements if tag in ("script", "iframe", "object", "embed", "form", "base")]
    for tag, attrs in page.elements:
        for key in ("src", "href", "xlink:href", "action", "srcset"):
            at = str(attrs.get(key, ""))
            inside = tag == "a" and key == "href" and (at.startswith("#") or ("download" in attrs and _is_chart(at)))
            assert not at or inside or (tag, at) == ("link", "data:,"), (tag, key, at[:60])
        assert not [key for key in attrs if key.startswith("on")]
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "@import" not in text
    assert not re.findall(r"url\((?!#)", text)
    assert "default-src 'none'" in text


def test_the_page_has_all_parts() -> None:
    page = Page(to_html(kp()))
    parts = ("words", "timeline", "phases", "outages", "prefixes", "transit", "changes",
             "coverage", "not-measured", "inputs", "reproduce", "method")  # fmt: skip
    assert set(parts) <= set(page.ids())
    text = " ".join(page.text.replace("\u00a0", " ").replace("\\\n", " ").split())
    for piece in (
        "could not be reached from the Internet for 9 h 31 min", "2014-12-23 01:15:03 in Pyongyang",
        "between 16:14:43 and 16:15:06", "more than half of the voters lost the last prefix",
        "AS4837 (China Unicom, CN)",
        "AS4837 AS131279", "rrc00 AS64500 192.0.2.1", "0" * 64, "delegated-apnic-extended-20141222",
        "Whether hosts answered", "duskwatch analyze KP --from 2014-12-21T00:00:00Z --until 2014-12-25T00:00:00Z",
        "They are not recorded measurements.",
    ):  # fmt: skip
        assert piece in text, piece


def test_every_chart_has_words_and_a_table_says_what_it_draws() -> None:
    page = Page(to_html(kp()))
    images = [attrs for _, attrs in page.elements if attrs.get("role") == "img" and "aria-label" in attrs]
    assert len([attrs for attrs in images if str(attrs.get("class")) in ("wide", "narrow")]) == 12
    assert all(len(str(attrs["aria-label"])) > 40 for attrs in images if attrs.get("class") in ("wide", "narrow"))
    assert "What could be reached, from each time on (29 rows)" in page.text
    assert all("scope" in attrs for tag, attrs in page.elements if tag == "th")


ODD = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}</style>&amp;\u202e"


def hostile() -> Report:
    report = kp()
    log = replace(report.history.changes, prefixes=(ODD, "b", "c", "d"))
    when = When(report.from_us, report.from_us, report.from_us, in_words(ODD))
    past = replace(report.history, changes=log, gaps=(Gap(ODD, report.from_us, report.until_us, ODD, 1),), notes=(ODD,))
    return replace(
        report, entity=Entity("country", "KP", ODD), history=past, inputs=(
            InputFile(ODD, ODD, ODD, None, None, 1, 1, ODD, ODD, 5), InputFile("b", "", "delegated", None, None)),
        collectors=(ODD,), time_zone=ODD, as_names={4837: ODD, 131279: ODD}, country_source=ODD, warnings=(ODD,),
        not_measured=(ODD,), reenactment=ODD, outages=(replace(report.outages[0], onset=when),),
    )  # fmt: skip


def test_text_from_outside_stays_text() -> None:
    text = to_html(hostile())
    page = Page(text)
    tags = [tag for tag, _ in page.elements]
    assert "script" not in tags
    assert "img" not in tags
    assert tags.count("style") == 1
    assert "49" not in re.findall(r"onerror=alert\(1\)>(\d\d)", page.text)
    assert page.text.count("<script>alert(1)</script>") >= 12
    assert not [key for _, attrs in page.elements for key in attrs if key.startswith("on")]


def test_files_of_a_collector_with_many_are_folded_and_counted() -> None:
    text = to_html(replace(kp(), inputs=files(("rrc00",), kp().from_us, kp().until_us, 400)))
    page = Page(text)
    folds = [attrs for tag, attrs in page.elements if tag == "details" and attrs.get("class") == "files"]
    assert ["open" in attrs for attrs in folds] == [False, True]
    assert "rrc00: 400 files, 49.4 MB, 479,800 records, 0 bad" in page.text
    assert "The first 300 of 400 files; inputs.csv lists all." in page.text


def test_a_path_shows_the_as_beyond_the_neighbour_where_it_was_recorded() -> None:
    class WithBeyond:
        """A change log that also records the AS before the upstream."""

        def __init__(self, log: object, beyond: object) -> None:
            self.log, self.beyond = log, beyond

        def __getattr__(self, name: str) -> object:
            return getattr(self.log, name)

    log = kp().history.changes
    for beyond, expected in (
        (np.full(len(log.time_us), 3356), "AS3356 AS4837 AS131279"),
        (np.empty(0, np.int64), None),
    ):
        changes = WithBeyond(log, beyond)
        text = to_html(replace(kp(), history=replace(kp().history, changes=changes)))  # type: ignore[arg-type]
        assert ("AS3356 AS4837 AS131279" in text) == (expected is not None)
        assert "AS4837 AS131279" in text


def test_a_long_change_log_is_cut_and_says_so() -> None:
    page = Page(to_html(large(300)))
    assert "report.json holds every one." in page.text
    assert "the 24 that changed most often, of 300" in page.text


def test_figures_do_not_part_from_their_units() -> None:
    assert tied("for 9 h 31 min, from 16:15 UTC on 22 December") == (
        "for 9\u00a0h 31\u00a0min, from 16:15\u00a0UTC on 22\u00a0December"
    )


def test_files_are_written_whole_and_twice_the_same(tmp_path: Path) -> None:
    paths = write_report(kp(), tmp_path)
    assert [path.name for path in paths] == WRITTEN
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in write_report(kp(), tmp_path)] == first
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(WRITTEN)


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    old = write_report(kp(), tmp_path)[0].read_bytes()
    (tmp_path / "report.json").unlink()
    (tmp_path / "report.json").mkdir()
    with pytest.raises(OSError, match="report"):
        write_report(kp(), tmp_path)
    assert (tmp_path / "report.html").read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(WRITTEN)


def test_a_file_name_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    name = b"updates.\xff.gz".decode("utf-8", "surrogateescape")
    report = replace(kp(), inputs=(InputFile(name, "a" * 64, "mrt", None, None),))
    page, document, *_ = write_report(report, tmp_path)
    assert "updates.\\udcff.gz" in page.read_text()
    assert "updates.\\udcff.gz" in document.read_text()


def test_the_schema_ships_with_the_package() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("make", [kp, large])
def test_a_report_is_published_in_seconds(make: object, tmp_path: Path) -> None:
    report = make()  # type: ignore[operator]
    begin = time.process_time()
    write_report(report, tmp_path)
    assert time.process_time() - begin < 10  # a bound against accidents; docs/reference/report.md has the measurement

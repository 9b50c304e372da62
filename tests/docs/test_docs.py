"""The pages hold together: links resolve, words are spelled once, examples are what they say."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#{1,6}) +(.+?) *$", re.MULTILINE)

# The words of the design, each to be explained once.
WORDS = """collector, peer, session, full-feed peer, voter, RIB, elem, visibility, entity, signal, bin, coverage, gap,
baseline, anomaly, alarm, outage, incident, onset, dark, recovery, relapse, phase, attack, vector, evidence, hypothesis,
claim, window, upstream, origin, change log, level, learned state, re-enactment"""


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Anchors of headings as GitHub makes them."""
    titles = (re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", m[2])) for m in HEADING.finditer(prose(page)))
    return {title.strip().lower().replace(" ", "-") for title in titles}


def relative_links(page: Path) -> list[str]:
    return [link for link in LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    broken = []
    for link in relative_links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            broken.append(link)
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            broken.append(f"{link} (no such heading)")
    assert broken == []


def test_every_page_can_be_reached_from_the_index():
    reached, todo = set(), [DOCS / "index.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in relative_links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and DOCS in target.parents and target.exists():
                todo.append(target)
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_has_one_title_and_no_heading_skips_a_level(page):
    levels = [len(match[1]) for match in HEADING.finditer(prose(page))]
    assert levels[:1] == [1]
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_every_word_of_the_design_is_explained_once():
    entries = [match[2] for match in HEADING.finditer(prose(DOCS / "reference" / "glossary.md")) if match[1] == "##"]
    for word in re.split(r",\s+", WORDS):
        assert entries.count(word) == 1, word
    assert len(entries) == len(set(entries))
    assert entries == sorted(entries, key=lambda word: word.replace("-", "").lower())


def test_every_entry_of_the_glossary_says_something():
    parts = re.split(r"^## .+$", prose(DOCS / "reference" / "glossary.md"), flags=re.MULTILINE)[1:]
    assert all(len(part.split()) >= 5 for part in parts)


def test_the_withdrawal_whose_life_is_told_is_one_in_fact():
    """The bytes on the page are read by the program, and give the row and the line that the page shows."""
    from duskwatch.records.elems import Kind, PeerTable
    from duskwatch.records.prefix import Prefix
    from duskwatch.sources.bgp.formats.mrt import MrtReader

    page = (DOCS / "explanation" / "life-of-a-record.md").read_text(encoding="utf-8")
    dump = re.search(r"^```hex\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert dump is not None
    data = bytes.fromhex("".join(re.split(r"\s{3,}", line)[0] for line in dump[1].splitlines()))
    peers = PeerTable()
    (block,) = MrtReader(iter([data]), peers)
    assert block.kind.tolist() == [Kind.WITHDRAW]
    assert peers.asn == [64500]
    prefix = Prefix(*(int(column[0]) for column in (block.afi, block.prefix_hi, block.prefix_lo, block.prefix_length)))
    assert str(prefix) == "175.45.177.0/24"
    assert f"0x{prefix.hi:X}" in page
    assert f"| `time_us` | {block.time_us[0]} |" in page
    assert datetime.fromtimestamp(int(block.time_us[0]) / 1e6, UTC) == datetime(2014, 12, 22, 16, 15, 7, tzinfo=UTC)
    assert f"BGP4MP|{int(block.time_us[0]) // 1_000_000}|W|192.0.2.10|64500|{prefix}" in page
    assert block.attr_length.tolist() == [0]
    assert len(data) - 12 == 47


def test_every_direct_dependency_has_its_reason():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.match(r"[\w-]+", each)[0] for each in project["dependencies"]}
    table = prose(DOCS / "design" / "0003-libraries.md")
    assert {name for name in names if f"\n| {name} | " not in table} == set()


def test_every_command_has_a_section():
    from duskwatch.cli.app import COMMANDS

    titles = {match[2] for match in HEADING.finditer(prose(DOCS / "reference" / "command-line.md"))}
    assert {f"duskwatch {name}" for name in COMMANDS} <= titles


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_no_line_of_prose_is_over_120_columns(page):
    """tools/wrap-prose wraps those that are."""
    wide = [
        line for line in prose(page).splitlines() if len(line) > 120 and not line.lstrip().startswith(("|", "<!--"))
    ]
    assert wide == []

"""Input that means harm: bounded time and memory, nothing run, nothing fetched, offsets still true."""

import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.claim import Article
from duskwatch.sources.news.errors import NewsError
from duskwatch.sources.news.markup import depth
from duskwatch.sources.news.read import LARGEST_TEXT, articles_of

SECONDS = 20.0  # far above what each takes, far below what a slow path would take


def tried(data: bytes) -> tuple[list[Article], str | None]:
    try:
        return articles_of(data, "file"), None
    except NewsError as error:
        return [], str(error)


def test_fifty_megabytes_of_text_are_cut_and_told():
    data = b"Gabon went offline at 4 p.m. on Monday. " * 1_310_720
    begin = time.process_time()
    (article,) = articles_of(data, "long.txt")
    assert time.process_time() - begin < SECONDS
    assert len(article.text) == LARGEST_TEXT
    assert "characters were read" in article.notes[-1]


@pytest.mark.parametrize(
    "markup",
    [
        "<html><body>" + "<div>" * 200_000 + "Gabon is offline." + "</div>" * 200_000,
        "<html><body>" + "<b><i>" * 50_000 + "Gabon is offline.",
        "<html><body><table>" + "<tr><td><table>" * 20_000 + "Gabon is offline.",
        "<p>" + "&amp;" * 500_000 + " Gabon is offline.</p>",
        "<html><body>" + "<!--" * 100_000 + "Gabon is offline.",
    ],
    ids=["deep", "unclosed", "tables", "entities", "comments"],
)
def test_a_page_made_to_break_parsers_costs_little(markup):
    tracemalloc.start()
    begin = time.process_time()
    articles_of(markup.encode(), "page.html")
    took = time.process_time() - begin
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 2 * SECONDS  # tracing itself slows it several times
    assert peak < 400 << 20


def test_depth_is_counted_without_a_tree():
    assert depth("<div><div><p>a<p>b</div></div><br><br>") == 2


BOMB = b"""<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<rss><channel><item><title>x</title><description>&d;&d;</description></item></channel></rss>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<rss><channel><item><title>x</title><description>&x;</description></item></channel></rss>"""


@pytest.mark.parametrize("data", [BOMB, OUTSIDE], ids=["entities that grow", "a file of the machine"])
def test_entities_of_a_feed_are_not_expanded(data):
    (article,) = articles_of(data, "feed.xml")
    assert "lol" not in article.text
    assert "root:" not in article.text


def test_control_and_direction_characters_become_spaces():
    (article,) = articles_of("Gabon\x1b[31m is\u202e offline\x00.".encode(), "file")
    assert article.text == "Gabon [31m is  offline ."


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_articles_or_a_typed_error(data):
    found, said = tried(data)
    assert said is None or said.startswith("file: ")
    assert all(isinstance(article, Article) for article in found)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<html>",
                "<script>",
                "<!--",
                "-->",
                "<rss>",
                "<item>",
                "<title>",
                "]]>",
                "<![CDATA[",
                "&lt;",
                "Gabon is offline. ",
                "<?xml version='1.0'?>",
            ]
        ),
        max_size=30,
    )
)
def test_any_mixture_of_tags_is_read_or_named(parts):
    for text in ("<html>" + "".join(parts), "".join(parts)):
        _, said = tried(text.encode())
        assert said is None or said.startswith("file: ")

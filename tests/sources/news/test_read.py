"""Files into articles: headers, pages, feeds, encodings, and what is no article."""

import pytest

from duskwatch.sources.news.errors import NewsError
from duskwatch.sources.news.read import articles_of, read_articles


def one(text: str | bytes):
    (article,) = articles_of(text if isinstance(text, bytes) else text.encode(), "file")
    return article


def test_header_lines_are_read_and_offsets_count_in_the_whole_file():
    text = "title: Dark\ndate: 2014-12-23T10:00Z\noutlet: The Lantern\nlanguage: en\n\nNorth Korea is offline.\n"
    article = one(text)
    assert (article.title, article.outlet, article.language) == ("Dark", "The Lantern", "en")
    assert article.published_us == 1419328800_000000
    assert article.text == text
    assert article.text[article.body :].strip() == "North Korea is offline."


@pytest.mark.parametrize(
    ("date", "time_us", "day_only"),
    [
        ("2014-12-23", 1419292800, True),
        ("2014-12-23T10:00:00+09:00", 1419296400, False),
        ("Tue, 23 Dec 2014 10:41:00 GMT", 1419331260, False),
        ("Tue, 23 Dec 2014 10:41 ET", 1419349260, False),
        ("23 December 2014", 1419292800, True),
        ("December 23rd, 2014, 10:41 a.m. EST", 1419349260, False),
    ],
)
def test_dates_as_people_write_them(date, time_us, day_only):
    article = one(f"date: {date}\n\nText.")
    assert article.published_us == time_us * 1_000_000
    assert article.day_only is day_only


def test_a_date_that_is_none_is_told():
    article = one("date: last week\n\nText.")
    assert article.published_us is None
    assert "last week" in article.notes[0]


def test_a_text_that_begins_with_a_colon_line_but_no_blank_line_has_no_header():
    article = one("title: this is\nsimply a text\n\nand more")
    assert article.title != "this is"
    assert article.body == 0


def test_a_line_that_stands_alone_above_the_text_is_its_title():
    assert one("Gabon goes dark\n\nThe internet in Gabon failed.").title == "Gabon goes dark"


def test_a_page_gives_its_text_title_date_and_outlet():
    markup = """<!doctype html><html lang="en"><head><title>Dark &amp; quiet</title>
    <meta property="og:site_name" content="The Lantern">
    <meta property="article:published_time" content="2023-05-08T10:00:00Z">
    <script>document.title = "evil"</script></head><body><nav>Home Sports Weather</nav>
    <article><h1>Dark &amp; quiet</h1>
    <p>Internet service in Gabon went down at 3 a.m. on Monday, the monitoring group Quillnet said in a statement.</p>
    <p>The operator said that a submarine cable had been cut, and that repairs would take several days to complete.</p>
    </article></body></html>"""
    article = one(markup)
    assert article.title == "Dark & quiet"
    assert article.outlet == "The Lantern"
    assert article.published_us == 1683540000_000000
    assert "went down at 3 a.m." in article.text
    assert "evil" not in article.text


RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Lantern</title><language>en-gb</language>
<item><title>One</title><pubDate>Mon, 08 May 2023 10:00:00 GMT</pubDate>
<description>&lt;p&gt;Gabon is &lt;b&gt;offline&lt;/b&gt;.&lt;/p&gt;</description></item>
<item><title>Two</title><description>Chad is back.</description></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Status</title><entry><title>Down</title>
<updated>2023-05-08T10:00:00Z</updated><content type="html">Gabon is offline.</content></entry></feed>"""


def test_each_item_of_an_rss_feed_is_an_article():
    first, second = articles_of(RSS, "feed.xml")
    assert first.text == "Gabon is offline."
    assert (first.outlet, first.language, first.title) == ("Lantern", "en", "One")
    assert first.published_us == 1683540000_000000
    assert second.published_us is None


def test_an_atom_feed_is_read_too():
    (entry,) = articles_of(ATOM, "feed.xml")
    assert (entry.text, entry.outlet) == ("Gabon is offline.", "Status")


def test_bytes_that_are_no_text_are_named():
    with pytest.raises(NewsError, match=r"picture\.png: this is no text"):
        articles_of(b"\x89PNG" + bytes(500), "picture.png")


def test_xml_that_is_no_feed_is_named():
    with pytest.raises(NewsError, match="neither a feed nor a page"):
        articles_of(b'<?xml version="1.0"?><books><book/></books>', "books.xml")


def test_older_encodings_are_read():
    assert "N’Djamena – é" in one("N’Djamena – é".encode("cp1252")).text
    assert one("Grüße".encode("utf-16")).text == "Grüße"


def test_a_file_too_large_is_refused(tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(NewsError, match="100 MB is no article"):
        read_articles(path)

"""Index pages of every common server, and pages that try to lead elsewhere."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.sources.downloads.listing import Listed, parse_listing

URL = "http://archive.example/rrc00/2014.12/"

NGINX = """<html>
<head><title>Index of /rrc00/2001.01/</title></head>
<body bgcolor="white">
<h1>Index of /rrc00/2001.01/</h1><hr><pre><a href="../">../</a>
<a href="old/">old/</a>                                               01-Jan-2001 06:09       -
<a href="bview.20010101.0609.gz">bview.20010101.0609.gz</a>                             01-Jan-2001 06:09     12M
<a href="updates.20010131.2236.gz">updates.20010131.2236.gz</a>                         31-Jan-2001 22:36   98123
</pre><hr></body></html>
"""
APACHE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN"><html><head><title>Index of /x/UPDATES</title></head>
<body><h1>Index of /x/UPDATES</h1><table>
<tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th><th><a href="?C=S;O=A">Size</a></th></tr>
<tr><td><img src="/icons/back.gif"></td><td><a href="/x/">Parent Directory</a></td><td>&nbsp;</td><td> - </td></tr>
<tr><td valign="top"><img src="/icons/unknown.gif" alt="[   ]"></td><td><a href="updates.20221001.0000.bz2">updates.20221001.000..&gt;</a></td><td align="right">2022-10-01 00:00  </td><td align="right"> 14 </td><td>&nbsp;</td></tr>
<tr><td valign="top">&nbsp;</td><td><a href="bview.20221102.0800.gz">bview.20221102.0800.gz</a></td><td align="right">2022-11-02 10:14  </td><td align="right">1.5G</td><td>&nbsp;</td></tr>
</table></body></html>
"""  # noqa: E501
PYTHON = """<!DOCTYPE HTML><html lang="en"><head><title>Directory listing for /2014.12/</title></head><body>
<h1>Directory listing for /2014.12/</h1><hr><ul>
<li><a href="updates.20141222.1615.gz">updates.20141222.1615.gz</a></li>
<li><a href="sub/">sub/</a></li></ul></body></html>
"""


def test_nginx():
    assert parse_listing(NGINX, URL) == (
        Listed("old", True, None, False),
        Listed("bview.20010101.0609.gz", False, 12 << 20, False),
        Listed("updates.20010131.2236.gz", False, 98123, True),
    )


def test_apache():
    assert parse_listing(APACHE, URL) == (
        Listed("updates.20221001.0000.bz2", False, 14, True),
        Listed("bview.20221102.0800.gz", False, int(1.5 * (1 << 30)), False),
    )


def test_pythons_own():
    assert parse_listing(PYTHON, URL) == (
        Listed("updates.20141222.1615.gz", False, None, False),
        Listed("sub", True, None, False),
    )


@pytest.mark.parametrize(
    "href",
    [
        "../updates.20141222.1615.gz",
        "../../etc/passwd",
        "/etc/passwd",
        "/rrc00/2014.12",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/x.gz",
        "http://other.example/rrc00/2014.12/x.gz",
        "//other.example/rrc00/2014.12/x.gz",
        "http://archive.example:81/rrc00/2014.12/x.gz",
        "https://archive.example/rrc00/2014.12/x.gz",
        "http://archive.example@other.example/rrc00/2014.12/x.gz",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "x.gz?download=1",
        "x.gz#y",
        "sub/x.gz",
        ".hidden",
        "-rf",
        "x\\y.gz",
        "x%00.gz",
        "x y.gz",
        "x%0a.gz",
        "http://[broken",
        "a" * 300,
        "",
        ".",
        "./",
    ],
)
def test_a_link_that_leads_elsewhere_is_not_an_entry(href):
    page = f'<title>Index of /</title><a href="{href}">x</a> 22-Dec-2014 16:20 100\n<a href="good.gz">good.gz</a>'
    assert parse_listing(page, URL) == (Listed("good.gz", False, None, False),)


@pytest.mark.parametrize("href", ["x.gz", "./x.gz", "/rrc00/2014.12/x.gz", "http://archive.example/rrc00/2014.12/x.gz"])
def test_an_entry_may_be_named_in_full(href):
    assert parse_listing(f'<a href="{href}">x.gz</a>', URL) == (Listed("x.gz", False, None, False),)


def test_a_name_counts_once():
    page = '<a href="x.gz">x</a> 22-Dec-2014 16:20 100 <a href="x.gz">x</a> 22-Dec-2014 16:20 200'
    assert parse_listing(page, URL) == (Listed("x.gz", False, 100, True),)


@pytest.mark.parametrize("page", ["", "plain words", "<html><body>Please <a href='/login?x'>log in</a></body></html>"])
def test_what_is_no_index_page_says_nothing(page):
    assert parse_listing(page, URL) is None


def test_an_empty_folder_is_an_answer():
    assert parse_listing('<title>Index of /x</title><a href="../">../</a>', URL) == ()


@settings(deadline=None)
@given(st.text(alphabet="<>a href=\"'/.:%0123&;#titlegz \n", max_size=300))
def test_no_page_raises_or_gives_a_name_that_is_not_plain(page):
    for entry in parse_listing(page, URL) or ():
        assert "/" not in entry.name
        assert not entry.name.startswith(".")

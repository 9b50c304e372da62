"""Lists of sites as Citizen Lab publishes them."""

import pytest

from duskwatch.sources.sites.test_lists import TestListError, read_test_list

SIZES = {"kp": 1, "cu": 338, "er": 82, "et": 199, "ga": 49, "iq": 628, "sd": 635, "ve": 491}


@pytest.mark.parametrize("name", SIZES)
def test_real_lists_are_read_whole(shared_data, name):
    sites, count = read_test_list(shared_data / "ooni" / "test-lists" / f"{name}.csv")
    assert (len(sites), count.bad, count.doubled) == (SIZES[name], 0, 0)
    assert {site.country for site in sites} == {name.upper()}
    assert all(site.host and site.category for site in sites)


def test_a_line_that_is_no_address_is_counted_with_its_place(tmp_path):
    path = tmp_path / "kp.csv"
    path.write_text(
        "url,category_code\nhttps://a.example/,NEWS\nftp://b.example/,NEWS\nhttps://a.example/,NEWS\n\nhttp://[,X\n"
    )
    sites, count = read_test_list(path)
    assert [site.host for site in sites] == ["a.example"]
    assert (count.bad, count.doubled) == (2, 1)
    assert count.examples[0].place == "kp.csv, line 3"


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "url\n", '{"url": 1}', "url\n" + "x" * 200_000])
def test_what_is_no_list_is_refused(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(TestListError):
        read_test_list(path)

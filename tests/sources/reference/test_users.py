"""Tables of users and of people online, as people supply them."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.sources.reference.files import ReferenceDataError, StoredFile
from duskwatch.sources.reference.users import load_users, read_networks, read_online


def stored(data, name="users"):
    data = data if isinstance(data, bytes) else data.encode()
    return StoredFile(Path(name), data, "", len(data))


WANTED = {("KP", 131279): 1000.0, ("CN", 4837): 2500000.0}


@pytest.mark.parametrize(
    "text",
    [
        "asn,cc,users\n131279,KP,1000\n4837,CN,2500000\n",
        'Rank,ASN,AS Name,CC,Users (est.),% of country\n1,AS131279,"S, KP",KP,"1,000",9\n2,4837,X,cn,"2,500,000",9\n',
        json.dumps({"Date": "2024-05-01", "Data": [{"AS": 131279, "CC": "KP", "Users": 1000},
                                                   {"AS": 4837, "CC": "CN", "Users": 2500000}]}),
        json.dumps([{"asn": "AS131279", "economy": "KP", "users": "1000"},
                    {"asn": "4837", "economy": "CN", "users": 2.5e6}]),
    ],
)  # fmt: skip
def test_every_form_is_read(text):
    assert read_networks(stored(text))[:2] == (WANTED, 0)


def test_rows_that_cannot_be_read_are_counted():
    text = "as,cc,users\n1,KP,5\nx,KP,5\n1,KPX,5\n1,KP,-5\n1,KP,nan\n0,KP,1\n"
    assert read_networks(stored(text)) == ({("KP", 1): 5.0}, 5, "")


def test_a_quote_that_nobody_closes_costs_its_own_row_alone():
    assert read_networks(stored('as,cc,users\n1,KP,"20\n2,KP,5\n3,KP,6\n'))[:2] == ({("KP", 2): 5.0, ("KP", 3): 6.0}, 1)


def test_a_second_number_for_a_network_is_counted_and_a_number_beyond_all_people_is_none(tmp_path):
    assert read_networks(stored("as,cc,users\n1,KP,100\n1,KP,900\n1,KP,100\n2,KP,1e308\n"))[:2] == (
        {("KP", 1): 100.0},
        2,
    )
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("as,cc,users\n1,KP,100\n2,KP,7\n")
    new.write_text("as,cc,users\n1,KP,900\n2,KP,7\n")
    found = load_users([old, new])
    assert found.by_network == {("KP", 1): 900.0, ("KP", 2): 7.0}
    assert found.notes == ("new.csv: 1 networks have another number here, which counts",)


def test_the_latest_year_of_people_online_counts():
    text = "country,percent,year\nKP,0,2019\nCU,60,2018\nCU,68,2020\nXX,120,2020\n"
    assert read_online(stored(text)) == ({"KP": 0.0, "CU": 0.68}, 1, "2020")


def test_files_are_read_with_their_dates_and_hashes(tmp_path):
    users, online = tmp_path / "aspop.json.gz", tmp_path / "online.csv"
    users.write_bytes(gzip.compress(b'{"Date": "2024-05-01", "Data": [{"AS": 1, "CC": "KP", "Users": 3}]}'))
    online.write_text("cc,percent\nKP,1\n")
    found = load_users([users], [online])
    assert found.by_network == {("KP", 1): 3.0}
    assert found.online == {"KP": 0.01}
    assert (found.source, found.date) == ("aspop.json.gz; online.csv", "2024-05-01")
    assert [one.kind for one in found.inputs] == ["users", "online"]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"a,b\n1,2\n", b"\x00\x01", b"[" * 100_000])
def test_what_is_no_table_is_named(data):
    with pytest.raises(ReferenceDataError, match="users: this is"):
        read_networks(stored(data))
    with pytest.raises(ReferenceDataError, match="users: this is"):
        read_online(stored(data))


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_named(data):
    for read in (read_networks, read_online):
        try:
            read(stored(b"asn,cc,users,percent\n1,KP,5,5\n" + data))
            read(stored(data))
        except ReferenceDataError:
            pass

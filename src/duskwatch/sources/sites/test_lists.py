"""Lists of sites to test, as Citizen Lab publishes them: CSV with ``url`` and ``category_code``, a file for a country.

https://github.com/citizenlab/test-lists: kp.csv, ve.csv, global.csv.
"""

import csv
import io
import re
from pathlib import Path

from duskwatch.records.entries import BadEntry, EntryCount
from duskwatch.records.errors import InputError
from duskwatch.records.sites import ListedSite
from duskwatch.records.text import clean_name
from duskwatch.sources.files.pieces import TransportDamage, open_pieces
from duskwatch.sources.sites.web_connectivity import urlsplit_host

LARGEST = 64 << 20
MOST_EXAMPLES = 20
MOST_CELL = 10_000
_URL = re.compile(r"https?://\S+", re.IGNORECASE)


class TestListError(InputError):
    """A file that is no test list."""

    __test__ = False  # pytest takes what is called Test* for tests


def read_test_list(path: Path) -> tuple[tuple[ListedSite, ...], EntryCount]:
    """Sites of a list in its order, each address once, and what was kept out.

    Raises TestListError where the file has no ``url`` column or no usable line.
    """
    data = bytearray()
    try:
        for piece in open_pieces(path):
            data += piece
            if len(data) > LARGEST:
                raise TestListError(f"{path}: more than {LARGEST >> 20} MB; this is no list of sites")
    except TransportDamage as damage:
        raise TestListError(f"{path}: damaged: {damage}") from None
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline=""))
    country = path.name[:2].upper() if re.fullmatch(r"[A-Za-z]{2}\.csv.*", path.name) else ""
    found: dict[str, ListedSite] = {}
    examples: list[BadEntry] = []
    bad = doubled = 0
    try:
        head = [cell.strip().lower() for cell in next(rows, [])]
        if "url" not in head:
            raise TestListError(f"{path}: no column 'url' in its first line; give a test list of Citizen Lab")
        for row in rows:
            if not row:
                continue
            cells = dict(zip(head, (cell[:MOST_CELL].strip() for cell in row), strict=False))
            url = cells.get("url", "")
            host = urlsplit_host(url) if _URL.fullmatch(url) else ""
            if not host:
                bad += 1
                if len(examples) < MOST_EXAMPLES:
                    examples.append(
                        BadEntry(f"{path.name}, line {rows.line_num}", f"'{clean_name(url, 60)}' is no URL")
                    )
            elif url in found:
                doubled += 1
            else:
                found[url] = ListedSite(
                    url, host, clean_name(cells.get("category_code", ""), 20),
                    clean_name(cells.get("category_description", "")), country,
                )  # fmt: skip
    except csv.Error as error:
        raise TestListError(f"{path}: line {rows.line_num}: {error}") from None
    if not found:
        raise TestListError(f"{path}: no address of a site in it")
    return tuple(found.values()), EntryCount(len(found), bad, doubled, tuple(examples))

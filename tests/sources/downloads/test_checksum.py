"""Which file holds a sum, and what it says."""

import pytest

from duskwatch.sources.downloads.checksum import Checksum, parse_checksum, sidecars

MD5 = "a30f818f9c90fa519bdbcb1c298edb17"
OTHER = "0" * 32


def test_a_files_own_sum_comes_before_that_of_the_folder_and_the_stronger_first():
    name = "delegated-apnic-extended-20141222.gz"
    there = [name, f"{name}.md5", "MD5SUMS", f"{name}.sha256", "delegated-apnic-extended-20141222.md5.gz"]
    assert sidecars(name, there) == [
        f"{name}.sha256",
        f"{name}.md5",
        "delegated-apnic-extended-20141222.md5.gz",
        "MD5SUMS",
    ]
    assert sidecars(name, ["delegated-apnic-extended-20141221.gz.md5"]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"MD5 (x.gz) = {MD5}", MD5),
        (f"MD5 (delegated-apnic-extended-latest) = {MD5.upper()}\n", MD5),
        (f"{MD5}  x.gz\n", MD5),
        (f"{MD5} *./some/folder/x.gz\n", MD5),
        (MD5, MD5),
        (f"# sums\n{OTHER}  y.gz\n{MD5}  x.gz\n", MD5),
        (f"{OTHER}  y.gz\n{OTHER}  z.gz\n", None),
        ("", None),
        ("<html>not found</html>", None),
        (MD5[:-1], None),
        ("a b c", None),
    ],
)
def test_forms(text, found):
    assert parse_checksum(text, "x.gz") == (Checksum("md5", found) if found else None)

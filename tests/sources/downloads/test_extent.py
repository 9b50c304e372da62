"""What the header of an answer says about where its bytes go (RFC 9110 section 14.4)."""

import httpx
import pytest

from duskwatch.sources.downloads.errors import TransientError
from duskwatch.sources.downloads.transfer import _extent


@pytest.mark.parametrize(
    ("status", "headers", "extent"),
    [
        (200, {"content-length": "30"}, (0, 30)),
        (206, {"content-range": "bytes 10-29/30", "content-length": "20"}, (10, 30)),
        (206, {"content-range": "bytes 10-29/*", "content-length": "20"}, (10, 30)),
        (206, {"content-range": "bytes 10-29/*"}, (10, None)),
    ],
)
def test_where_the_bytes_go_and_how_long_the_file_will_be(status, headers, extent) -> None:
    assert _extent(httpx.Response(status, headers=headers), 10) == extent


@pytest.mark.parametrize("range_", ["bytes 9-29/30", "bytes */30", "10-29/30", ""])
def test_another_range_than_was_asked_for_is_refused(range_: str) -> None:
    with pytest.raises(TransientError, match="another range"):
        _extent(httpx.Response(206, headers={"content-range": range_}), 10)

"""Lines of delegated files, with the kernel run as Python: it must stay inside its arrays on any bytes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.kernels import delegated as kernel

WORDS = (np.frombuffer(b"apnic", np.uint8), np.array([5]), np.frombuffer(b"allocated", np.uint8), np.array([9]),
         np.frombuffer(b"available", np.uint8), np.array([9]))  # fmt: skip
PIECES = st.sampled_from(
    [b"apnic", b"|", b"KP", b"ipv4", b"ipv6", b"asn", b"175.45.176.0", b"2001:db8::", b"1024", b"32", b"20091221",
     b"allocated", b"available", b"\n", b"\r\n", b"#", b" ", b"::", b":", b".", b"0", b"4294967296", b"\xff"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=60).map(b"".join) | st.binary(max_size=200))
def test_any_bytes_are_read_inside_the_arrays(data: bytes) -> None:
    lines = data.count(b"\n") + 1
    columns = [np.zeros(lines, kind) for kind in ("i8", "i8", "u1", "u8", "u8", "i4", "i4", "u1")]
    octets = np.frombuffer(data, np.uint8)
    interpreted = getattr(kernel.parse_lines, "py_func", kernel.parse_lines)  # none where Numba is switched off
    assert interpreted(octets, *WORDS, *columns) == lines
    start, stop, kind, first, last = columns[:5]
    ends = [len(line) for line in data.split(b"\n")]
    assert (start == np.concatenate([[0], np.cumsum(np.array(ends[:-1], np.int64) + 1)])).all()
    assert (stop <= start + ends).all()
    regular = np.isin(kind, (kernel.IPV4, kernel.IPV6, kernel.ASN))
    assert (first[regular] <= last[regular]).all()


def kinds_of(*parts: bytes) -> list[int]:
    """What the kernel takes lines for; each is whole but for these parts: type, start, value."""
    data = b"\n".join(b"apnic|KP|" + each + b"|20091221|allocated" for each in parts)
    columns = [np.zeros(len(parts), kind) for kind in ("i8", "i8", "u1", "u8", "u8", "i4", "i4", "u1")]
    kernel.parse_lines(np.frombuffer(data, np.uint8), *WORDS, *columns)
    return columns[2].tolist()


def test_a_type_is_read_by_all_of_its_letters() -> None:
    near = (b"asn", b"axn", b"asx", b"xsn", b"axx", b"as", b"asnx", b"osn", b"ASN")
    first, *others = kinds_of(*(each + b"|131279|1" for each in near))
    assert first == kernel.ASN
    assert kernel.ASN not in others


def test_an_ipv6_address_ends_in_two_colons() -> None:
    near = (b"2001:db8::", b"2001:db8:", b"2001:db8::1", b"2001:db8:x:", b"2001:db8", b"::", b":", b"2001:db8:1:2:3::")
    first, *others = kinds_of(*(b"ipv6|" + each + b"|32" for each in near))
    assert first == kernel.IPV6
    assert kernel.IPV6 not in others

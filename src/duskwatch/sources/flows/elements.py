"""Which information elements are read, and how: NetFlow 9 field types (RFC 3954 section 8) and IPFIX (IANA registry).

The numbers of NetFlow 9 up to 127 are those of IPFIX. Each column has a list of elements that can fill it; the first
that a template has is taken.
"""

from typing import NamedTuple

from duskwatch.kernels import flow_layout as to

REVERSE = 29305  # the enterprise number of reverse elements (RFC 5103 section 6)


class Element(NamedTuple):
    """One information element: who assigned it, its number, what is done with it, and the octets that it may have."""

    enterprise: int
    number: int
    operation: int
    least: int = 1
    most: int = 8


def _number(number: int, operation: int = to.UINT, least: int = 1, most: int = 8) -> Element:
    return Element(0, number, operation, least, most)


TIME = 8  # octets of a time in NTP's format

# (column, elements in order of preference)
COLUMNS: tuple[tuple[int, tuple[Element, ...]], ...] = (
    (to.SAMPLER, (_number(48), _number(302))),
    (to.INTERVAL, (_number(34), _number(50), _number(305))),
    (to.SPACE, (_number(306),)),
    (to.SIZE, (_number(309),)),
    (to.POPULATION, (_number(310),)),
    (to.BOOT, (_number(160, to.MILLISECONDS),)),
    (
        to.START,
        (
            _number(152, to.MILLISECONDS),
            _number(150, to.SECONDS),
            _number(154, to.NTP, TIME),
            _number(156, to.NTP, TIME),
            _number(22, to.UPTIME),
            _number(158, to.DELTA),
        ),
    ),
    (
        to.END,
        (
            _number(153, to.MILLISECONDS),
            _number(151, to.SECONDS),
            _number(155, to.NTP, TIME),
            _number(157, to.NTP, TIME),
            _number(21, to.UPTIME),
            _number(159, to.DELTA),
        ),
    ),
    (to.DURATION, (_number(161, to.DURATION_MS), _number(162, to.MICROSECONDS))),
    (
        to.EVENT,
        (
            _number(323, to.MILLISECONDS),
            _number(322, to.SECONDS),
            _number(324, to.NTP, TIME),
            _number(325, to.NTP, TIME),
            _number(258, to.MILLISECONDS),
        ),
    ),
    (to.SRC_PORT, (_number(7), _number(182), _number(180))),
    (to.DST_PORT, (_number(11), _number(183), _number(181))),
    (to.PROTOCOL, (_number(4),)),
    (to.TCP_FLAGS, (_number(6, to.FLAGS),)),
    (to.TOS, (_number(5, most=1),)),
    (to.BYTES, (_number(1), _number(85), _number(231), _number(23), _number(171))),
    (to.PACKETS, (_number(2), _number(86), _number(298), _number(24), _number(172))),
    (to.REV_BYTES, (_number(232), Element(REVERSE, 1, to.UINT), Element(REVERSE, 85, to.UINT))),
    (to.REV_PACKETS, (_number(299), Element(REVERSE, 2, to.UINT), Element(REVERSE, 86, to.UINT))),
    (to.REV_FLAGS, (Element(REVERSE, 6, to.FLAGS),)),
    (to.DIRECTION, (_number(61, most=1),)),
    (to.INPUT, (_number(10),)),
    (to.OUTPUT, (_number(14),)),
    (to.SRC_AS, (_number(16),)),
    (to.DST_AS, (_number(17),)),
    (to.WIRE, (_number(312), _number(103))),
)

# Columns that more than one element adds to.
JOINED: tuple[tuple[int, tuple[Element, ...]], ...] = (
    (
        to.ICMP,
        (
            _number(32, to.NONZERO),
            _number(139, to.NONZERO),
            _number(176, to.ICMP_TYPE),
            _number(177, to.ICMP_CODE),
            _number(178, to.ICMP_TYPE),
            _number(179, to.ICMP_CODE),
        ),
    ),
    (to.FRAGMENT, (_number(88, to.FRAGMENT_OFFSET), _number(197, to.FRAGMENT_FLAGS))),
)

# Addresses: (column, elements of four octets, elements of sixteen). A prefix stands in where there is no address.
ADDRESSES: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...] = (
    (to.SRC_HI, (8, 44), (27, 170)),
    (to.DST_HI, (12, 45), (28, 169)),
)
# Of these a length other than an address has is a fault; prefixes may be shorter.
WHOLE_ADDRESSES = {8: 4, 12: 4, 27: 16, 28: 16}
# Octets of a captured frame, and its link type.
FRAMES: tuple[tuple[int, int], ...] = (
    (315, to.LINK_ETHERNET),
    (104, to.LINK_ETHERNET),
    (313, to.LINK_RAW),
)

# Options records that are read have one of these: sampling rates, and when the exporter started.
SAMPLER_IDS = (48, 302)
RATES = (34, 50, 305, 309, 310, 311)
READ_OPTIONS = frozenset((*RATES, 160))
INTERFACES = (10, 14)  # elements that, as a scope, say which interface a rate is of
SCOPE_INTERFACE = 2  # scope type of NetFlow 9 (RFC 3954 section 6.1)

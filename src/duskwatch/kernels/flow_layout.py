"""Numbers that the kernels of flows and those who call them share: columns, operations, limits, reasons."""

from duskwatch.kernels import codes

# Rows of uint64[COLUMNS, rows] that flows are written to. The first are those of records.flows.FlowBlock, in its order.
EXPORTER, SAMPLER, RECEIVED, START, END, TIME_SOURCE, AFI = range(7)
SRC_HI, SRC_LO, DST_HI, DST_LO, SRC_PORT, DST_PORT, PROTOCOL, TCP_FLAGS, ICMP = range(7, 16)
FRAGMENT, TOS, BYTES, PACKETS, RATE, RATE_SOURCE, DIRECTION, INPUT, OUTPUT, SRC_AS, DST_AS = range(16, 27)
GIVEN = 27
# Those behind are what records say on the way to the former.
BOOT, DURATION, EVENT, INTERVAL, SPACE, SIZE, POPULATION, REV_BYTES, REV_PACKETS, REV_FLAGS, WIRE = range(27, 38)
COLUMNS = 38

IPV4, IPV6 = 1, 2
ASSUMED, DECLARED, LEARNED = codes.RATE_ASSUMED, codes.RATE_DECLARED, codes.RATE_LEARNED
TIME_ASSUMED, TIME_EXPORTED = codes.TIME_ASSUMED, codes.TIME_EXPORTED
FIRST_FRAGMENT, LATER_FRAGMENT = codes.FIRST_FRAGMENT, codes.LATER_FRAGMENT
UNKNOWN_DIRECTION = codes.UNKNOWN_DIRECTION

# What is done with one field of a template: (operation, column, place, octets). The place counts octets from the
# record's begin, or fields where one of them is of variable length.
(
    FILL,  # the column is a constant, which stands in place of the octets
    UINT,  # a number of 1 to 8 octets
    NONZERO,  # the same, but a zero leaves what is there
    ADDRESS4,
    ADDRESS6,
    ADDRESS4_TOO,  # of a template with addresses of both address families: a zero leaves the other
    SECONDS,
    MILLISECONDS,
    NTP,  # seconds since 1900 and a fraction (RFC 7011 sections 6.1.9, 6.1.10)
    UPTIME,  # milliseconds since the exporter started
    UPTIME_ROW,  # the same, where the record says when that was
    DELTA,  # microseconds before the export
    MICROSECONDS,  # a duration
    DURATION_MS,
    FLAGS,  # TCP control bits; the data offset, where there is one, is left out
    ICMP_TYPE,
    ICMP_CODE,
    FRAGMENT_OFFSET,
    FRAGMENT_FLAGS,
    FRAME,  # octets of a captured frame; the column is its link type
) = range(20)

LINK_NULL, LINK_ETHERNET, LINK_PPP, LINK_RAW, LINK_LOOP, LINK_SLL, LINK_SLL2 = 0, 1, 9, 101, 108, 113, 276
LINK_MPLS = -1  # no link type of captures: sFlow samples behind an MPLS label stack's begin

# Templates. A record is rather refused than read in a wrong way; what is bounded here bounds time and memory.
OPERATIONS = 72  # of one template
FIELDS = 512  # of one template
NO_WALK = -1
DATA, OPTIONS_READ, OPTIONS_PASSED, OTHER = range(4)  # what the records of a template are good for

# Why a datagram, or what is left of it, is refused; index into REASONS.
REASONS = (
    "",
    "it is shorter than its header",
    "its version is none of NetFlow 5, NetFlow 9, IPFIX and sFlow 5",
    "NetFlow 5: it counts more records than it holds",
    "NetFlow 5: it counts no record, or more than 30",
    "a set is shorter than its own header",
    "a set runs past the end",
    "IPFIX: its length is shorter than its header or longer than the datagram",
    "a field of variable length runs past its set",
    "sFlow: a sample or record runs past the end",
    "sFlow: the agent's address is neither IPv4 nor IPv6",
    "a set number that is reserved (RFC 7011 section 3.3.2)",
    "a template runs past its set, or names no field",
    "more exporters than are kept apart",
    "more templates than are kept of one exporter, or in all",
    "the capture holds less of it than was sent",
    "it comes from an address that is not allowed to export",
    "a template's records would be of no length, or have more fields than are read",
    "an address in a template is not as long as an address",
    "more samples than a datagram can hold",
)
(
    SHORT, BAD_VERSION, LYING_COUNT, BAD_COUNT, SHORT_SET, LONG_SET, BAD_LENGTH, LONG_FIELD, LONG_SAMPLE, BAD_AGENT,
    RESERVED_SET, BAD_TEMPLATE, MANY_EXPORTERS, MANY_TEMPLATES, CUT, NOT_ALLOWED, ODD_TEMPLATE, BAD_ADDRESS,
    MANY_SAMPLES,
) = range(1, 20)  # fmt: skip

NETFLOW5, NETFLOW9, IPFIX, SFLOW5, SFLOW_SOURCE = 5, 9, 10, 1005, 1006

# What ends a scan: all read; no room for rows; something that is not for a kernel to do.
DONE, FULL, NEW_STREAM, TEMPLATE_SET, OPTIONS_SET, UNKNOWN_SET = range(6)

# int64[CURSOR]: where a scan stands. Datagram of the batch; position in its bytes (0: not begun) and its end; stream,
# exporter, export time (0: unknown) and uptime; records of this datagram so far and sets of it whose records cannot be
# counted; the set, or sample, that is handed over or half read; rows written; refusals written; what the datagram is;
# whether unknown sets are to be passed over, whether the batch was counted before, how long a template is good for, and
# whether no more sources of samples, or exporters, are kept apart; how many sets there may still be; whether
# tunnels are looked into; how many of the records so far are options.
(
    DATAGRAM, AT, UNTIL, STREAM, WHOSE, EXPORT_US, UP, COUNTED, UNCOUNTED, SET_AT, SET_END, SET_ID, ROWS, REFUSALS,
    VERSION, DOMAIN, SEQUENCE, IN_ORDER, LEFT, QUIET, AGAIN, LIFE_US, SAMPLING, SOURCES_FULL,
    ALL_KEPT, SETS_LEFT, INNER, OPTIONED,
) = range(28)  # fmt: skip
CURSOR = 28
# int64[REFUSALS_KEPT, 3]: datagram of the batch, octet of it, reason. More are only counted.
REFUSALS_KEPT = 100

# int64[streams, STREAM_WORDS]: what the sequence numbers of one stream say. The number that is expected next; that of
# exporters that count the other thing (records, not datagrams, or the reverse). How often either of them came, and that
# of exporters that count the records of a datagram before its number, where nothing else would have come too. Whether
# options records are counted differs as well: EXPECTED_FLOWS is what is expected where they are not.
SEEN, EXPECTED, ALTERNATIVE, LAST_SEQUENCE, LAST_UPTIME, LATE_RUN, HITS, OTHER_HITS, INCLUSIVE_HITS = range(9)
EXPECTED_FLOWS = 9
STREAM_WORDS = 10
# int64[exporters, COUNT_WORDS]
(
    DATAGRAMS, OCTETS, FLOWS, OTHERS, OPTION_RECORDS, UNKNOWN_SETS, UNKNOWN_OCTETS, REFUSED, FIRST_US, LAST_US,
    LONGEST_US, LOST_DATAGRAMS, LOST_RECORDS, LATE, REPEATED, RESTARTS, MISCOUNTED,
) = range(17)  # fmt: skip
COUNT_WORDS = 18
# int64[exporters, EXPORTER_WORDS]. Rates, 0 where they are not known: of all flows, by an options record that names no
# sampler; the one that all samplers share. When the exporter started. Whether rates of interfaces are known. How many
# rows were given a rate that was assumed, declared, learned; the last one declared, and how often that was another.
GENERAL_RATE, SHARED_RATE, BOOT_US, BY_INTERFACE, BY_ASSUMED, BY_DECLARED, BY_LEARNED = range(7)
DECLARED_RATE, DECLARED_CHANGES = 7, 8
EXPORTER_WORDS = 10
INTERFACE_SAMPLER = 1 << 63  # or-ed to an interface, it stands for the sampler of that interface

# int32[templates, TEMPLATE_WORDS]: operations, octets of a record (at least), what its records are good for, row of
# walks where a field is of variable length (NO_WALK: none is), fields, and marks of what there is to finish.
T_OPERATIONS, T_LENGTH, T_KIND, T_WALK, T_FIELDS, T_MARKS = range(6)
TEMPLATE_WORDS = 6
HAS_RATE, HAS_SAMPLER, IS_BIFLOW, HAS_BOOT, HAS_DURATION, HAS_EVENT, HAS_FRAME = 1, 2, 4, 8, 16, 32, 64
VARIABLE = 65535  # length of a field that says its length in each record (RFC 7011 section 7)
NETFLOW5_TEMPLATE = 0  # row of templates that NetFlow 5 records are read by

MOST_US = 1 << 61  # a later time is none
MOST_LOST = 1 << 26  # a larger gap between sequence numbers is no loss, but a new start
REORDERED = 1 << 12  # so much smaller, a sequence number is late
LATE_IN_A_ROW = 32  # after that many the numbers have begun anew
UPTIME_BACK_MS = 60_000  # an uptime so much smaller is another start

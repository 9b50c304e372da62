"""Numbers that compiled functions share with the enums of records, signals and detection: each is written here once.

The enums say what each number means; they take the number from here. Numbers of one kernel alone stay with it.
"""

# Elem kinds: records.elems.Kind
RIB, ANNOUNCE, WITHDRAW, STATE, ALIVE, RIB_PEER = range(6)
# Marks of an elem, bits: records.elems.Mark
WITH_ID, MALFORMED = 1, 2
# Types of BGP messages (RFC 4271 section 4.1): records.elems.MessageType
OPEN_MESSAGE, UPDATE_MESSAGE, NOTIFICATION = 1, 2, 3
# What became of an MRT record: records.elems.Status
GOOD, UNSUPPORTED, BAD = range(3)
# Where a sampling rate, and the times of a flow, come from: records.flows.RateSource, TimeSource
RATE_ASSUMED, RATE_DECLARED, RATE_LEARNED, RATE_OVERRIDDEN = range(4)
TIME_ASSUMED, TIME_EXPORTED = range(2)
# records.flows.Fragment
NO_FRAGMENT, FIRST_FRAGMENT, LATER_FRAGMENT = range(3)
# records.flows.Direction
INGRESS, EGRESS, UNKNOWN_DIRECTION = 0, 1, 255
# How many voters hold a prefix: records.signals.PrefixState
UNKNOWN, DARK, MINORITY, VISIBLE = range(4)
# What a row of the routing log says: signals.bgp.log.Op
HOLD, LOSE, DOWN, UP, SILENT, HEARD, DUMPED, DUMPED_HOLD, OTHER, DUMPED4, DUMPED6 = range(11)
# Families of which a session's whole table is known, bits: IPv4, IPv6, both
WHOLE4, WHOLE6, WHOLE = 1, 2, 3
# What a session is when a window begins: signals.bgp.start_table.Session
UNMET, LIVE, ENDED, QUIET = range(4)
# Bits of a voter's word on a prefix: it holds the prefix; its word is known
HELD, KNOWN = 1, 2
# What a row of the vote walk does: signals.bgp.vote_rows.Vote
VOTE_HOLD, VOTE_LOSE, VOTE_DUMPED_HOLD, VOTE_OTHER, CLEAR, COMPLETE, ON4, OFF4, ON6, OFF6 = range(10)
COMPLETE4, COMPLETE6 = 10, 11  # kernels that were compiled before hold the numbers above: new ones go behind
# How an excursion of a level ended: detection.view.Ending
OPEN, BACK, SETTLED, ACCEPTED = range(4)

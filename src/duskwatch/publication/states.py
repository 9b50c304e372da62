"""States of a prefix: as report.json names them, as sentences call them, and the colour each has."""

from duskwatch.records.signals import PrefixState

# Names in report.json. There, "dark" is of one prefix: no observer holds a route. The phase dark is of the entity.
STATE_NAMES = {
    PrefixState.UNKNOWN: "unknown",
    PrefixState.DARK: "dark",
    PrefixState.MINORITY: "minority",
    PrefixState.VISIBLE: "visible",
}
STATE_WORDS = {
    PrefixState.UNKNOWN: "not heard of",
    PrefixState.DARK: "lost by all",
    PrefixState.MINORITY: "lost by most",
    PrefixState.VISIBLE: "reachable",
}
STATE_MEANINGS = (
    "Reachable: most observers hold a route to it. Lost by most: some observers still hold a route. "
    "Lost by all: no observer holds one."
)

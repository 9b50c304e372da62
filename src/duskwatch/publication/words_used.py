"""The eight words that a reader of a report needs, each with one meaning."""

GLOSSARY = (
    (
        "network",
        (
            "A block of addresses as one line of a routing table holds it, counted in /24s (256 IPv4 addresses) or in "
            "IPv6 /48s, each counted once. It is reachable while most observers hold a route to it."
        ),
    ),
    ("prefix", "A block of addresses of any size that is announced as one; it holds one network or many."),
    (
        "operator",
        (
            "Whoever announces addresses under one number, the AS (autonomous system): a provider, a company, a "
            "university."
        ),
    ),
    ("route", "What a router knows of the way to a prefix: the chain of ASes through which packets would travel."),
    (
        "observer",
        (
            "A full-feed peer: a router that knows nearly all routes of the Internet and shows them to a collector, "
            "which records them. Each observer has one vote."
        ),
    ),
    ("dark", "The part of an outage in which nothing is left that most observers can reach."),
    ("gap", "A stretch in which a source recorded nothing. It is told as such, and never counted as an outage."),
    ("confidence", "How much the observers, or the signals, support the outage, from 0 to 1."),
)

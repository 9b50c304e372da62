"""The options by which `duskwatch mrt` and `duskwatch feed` choose elems, as a filter."""

from typing import Any

from duskwatch.cli.options import fail

MATCHES = ("exact", "more", "less", "any")
KINDS = {"R": 0, "A": 1, "W": 2, "S": 3}


def elem_filter(
    command: str,
    prefixes: list[str],
    match: str,
    origins: list[str],
    peers: list[str],
    path_contains: list[str],
    from_: str | None,
    until: str | None,
    kinds: str,
) -> Any:
    """What the options of ``mrt`` and ``feed`` keep; ends the process where they cannot be."""
    from duskwatch.records.times import parse_time
    from duskwatch.sources.bgp.formats.elem_filter import ElemFilter

    if match not in MATCHES:
        fail(command, f"--match {match}: one of {', '.join(MATCHES)}")
    if not kinds:
        fail(command, "--type: any of R, A, W, S")
    if unknown := set(kinds.upper()) - set(KINDS):
        fail(command, f"--type {kinds}: {''.join(sorted(unknown))} is none of R, A, W, S")
    from_us = parse_time(from_) if from_ else None
    until_us = parse_time(until) if until else None
    if from_us is not None and until_us is not None and from_us >= until_us:
        fail(command, f"--until {until} is not after --from {from_}")
    numbers = [word for word in peers if not set(".:") & set(word)]
    return ElemFilter(
        tuple(_prefix(command, "--prefix", word) for word in prefixes),
        match,  # type: ignore[arg-type]
        tuple(_asn(command, "--origin", word) for word in origins),
        tuple(_asn(command, "--peer", word) for word in numbers),
        tuple(_address(command, "--peer", word) for word in peers if word not in numbers),
        tuple(_asn(command, "--path-contains", word) for word in path_contains),
        from_us,
        until_us,
        tuple(KINDS[letter] for letter in kinds.upper()),
    )


def _prefix(command: str, option: str, text: str) -> Any:
    from duskwatch.records.prefix import Prefix

    try:
        return Prefix.parse(text)
    except ValueError as error:
        fail(command, f"{option}: {error}")


def _address(command: str, option: str, text: str) -> Any:
    prefix = _prefix(command, option, text)
    if "/" in text:
        fail(command, f"{option} {text}: an address or an AS number, not a prefix")
    return prefix


def _asn(command: str, option: str, text: str) -> int:
    digits = text.upper().removeprefix("AS")
    if not digits.isdecimal() or int(digits) >= 2**32:
        fail(command, f"{option} {text}: not an AS number (131279 or AS131279)")
    return int(digits)

"""Published checksums: which files hold them, and what they say."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LENGTHS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
# Files that hold the sums of a whole folder.
FOLDER_SUMS = ("SHA256SUMS", "sha256sum.txt", "MD5SUMS", "md5sum.txt", "md5sums.txt")
# "MD5 (name) = hash" as BSD's md5 prints it, "hash  name" as GNU's, or the hash alone.
BSD = re.compile(r"^\w[\w/-]* ?\((?P<name>[^)]+)\) ?= ?(?P<hash>[0-9a-fA-F]+)$")
GNU = re.compile(r"^(?P<hash>[0-9a-fA-F]+)(?:[ \t]+\*?(?P<name>.+))?$")
PACKED = (".gz", ".bz2", ".xz", ".zst")


@dataclass(frozen=True, slots=True)
class Checksum:
    """One published sum."""

    algorithm: str  # a name hashlib knows
    hex: str  # lower case


def sidecars(name: str, names: Iterable[str]) -> list[str]:
    """Those of ``names`` that hold the checksum of one file, strongest first: its own, then those of the folder."""
    there = set(names)
    plain = name
    for ending in PACKED:
        plain = plain.removesuffix(ending)
    of_file = [
        f"{stem}.{kind}{packed}"
        for kind in ("sha256", "md5")
        for stem in dict.fromkeys((name, plain))
        for packed in ("", ".gz")
    ]
    return [each for each in (*of_file, *FOLDER_SUMS) if each in there]


def parse_checksum(text: str, name: str) -> Checksum | None:
    """What a checksum file says about ``name``, or about its only file; None where it says nothing usable.

    Registries publish sums under the name of the newest file (``...-latest``), so that in a file of one line the name
    does not decide.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: list[tuple[str | None, Checksum]] = []
    for line in lines[:100_000]:
        match = BSD.match(line) or GNU.match(line)
        if match and (algorithm := LENGTHS.get(len(match["hash"]))):
            named = match["name"].strip().rsplit("/", 1)[-1] if match["name"] else None
            found.append((named, Checksum(algorithm, match["hash"].lower())))
    for named, checksum in found:
        if named == name:
            return checksum
    return found[0][1] if len(found) == 1 else None


def digest_of(path: Path, algorithm: str) -> str:
    """The sum of a stored file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()

"""Small archives of several collectors, with whatever faults a test wants in them.

Four prefixes of one origin are the country watched (KP: 175.45.176.0/22), beside a background that the peers keep
talking about. Times in a test are minutes from the start of the archive, fractions allowed.
"""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from duskwatch.analysis import entity as one_entity
from duskwatch.records.entity import parse_entity
from duskwatch.records.prefix import Prefix
from duskwatch.records.report import Report
from duskwatch.records.times import SECOND, parse_time
from duskwatch.sources.bgp.formats import mrt_write as mrt
from duskwatch.sources.bgp.formats.mrt_write import BgpState

START_US = parse_time("2020-03-02T00:00Z")
START = START_US // SECOND
OWN = tuple(Prefix.parse(f"175.45.{176 + i}.0/24") for i in range(4))
OTHERS = tuple(Prefix.parse(f"10.{i // 8}.{32 * (i % 8)}.0/24") for i in range(60))
COMING_UP = (BgpState.IDLE, BgpState.CONNECT, BgpState.OPEN_SENT, BgpState.OPEN_CONFIRM, BgpState.ESTABLISHED)
FILE_S = 300


def at(minute: float) -> int:
    """Microseconds since the epoch of a minute of the archive."""
    return START_US + round(minute * 60) * SECOND


@dataclass
class Archive:
    """What the peers of some collectors say over some hours. ``collectors`` gives each one's number of peers."""

    collectors: Mapping[str, int]
    hours: float = 4
    talk_s: int = 120  # each peer says something about the background this often
    said: dict[tuple[str, int], list[tuple[float, bytes]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for peer in self.peers():
            self.said[peer] = []

    def peers(self, collector: str | None = None) -> list[tuple[str, int]]:
        """All peers, or those of one collector."""
        return [(name, n) for name, many in self.collectors.items() for n in range(many) if collector in (None, name)]

    def lose(
        self,
        peers: Iterable[tuple[str, int]],
        minute: float,
        back: float | None = None,
        prefixes: Sequence[Prefix] = OWN,
        step_s: float = 1,
    ) -> None:
        """Peers withdraw prefixes one after the other, and announce them again."""
        for k, peer in enumerate(peers):
            self.said[peer].append((minute * 60 + k * step_s, mrt.withdraw(list(prefixes))))
            if back is not None:
                self.said[peer].append((back * 60 + k * step_s, self.announcement(peer, prefixes)))

    def reset(
        self, peers: Iterable[tuple[str, int]], minute: float, back: float, without: Sequence[Prefix] = ()
    ) -> None:
        """Sessions go down, come up again and send their whole tables, but for some prefixes."""
        for k, peer in enumerate(peers):
            self.said[peer] = [(s, said) for s, said in self.said[peer] if not minute * 60 <= s < back * 60 + 30]
            self.said[peer].append((minute * 60 + k * 0.2, self.state(BgpState.ESTABLISHED, BgpState.IDLE)))
            self.said[peer] += [(back * 60 + k, self.state(old, new)) for old, new in pairwise(COMING_UP)]
            self.send_table(peer, back + 0.1, without)

    def send_table(self, peer: tuple[str, int], minute: float, without: Sequence[Prefix] = ()) -> None:
        """A peer announces its whole table."""
        rest = [prefix for prefix in (*OTHERS, *OWN) if prefix not in without]
        own = [prefix for prefix in rest if prefix in OWN]
        for k in range(0, len(OTHERS), 20):
            self.said[peer].append((minute * 60 + k, self.announcement(peer, OTHERS[k : k + 20])))
        if own:
            self.said[peer].append((minute * 60 + len(OTHERS), self.announcement(peer, own)))

    def silence(self, peers: Iterable[tuple[str, int]], minute: float, until: float) -> None:
        """Nothing of what some peers say in between is recorded, not even that they are alive."""
        for peer in peers:
            self.said[peer] = [(s, said) for s, said in self.said[peer] if not minute * 60 <= s < until * 60]

    def keep_alive(self, peers: Iterable[tuple[str, int]], minute: float, until: float) -> None:
        """Peers say each minute that they are there, and nothing else."""
        for peer in peers:
            self.said[peer] += [(second, mrt.keepalive()) for second in range(int(minute * 60), int(until * 60), 60)]

    def talk(self) -> None:
        """Every peer keeps announcing one of the background's prefixes by another path. Call it ahead of silence()."""
        for k, peer in enumerate(self.peers()):
            for n, second in enumerate(
                range(k * 11 % len(self.said) * self.talk_s // len(self.said), int(self.hours * 3600), self.talk_s)
            ):
                prefix = OTHERS[(n * 7 + k) % len(OTHERS)]
                self.said[peer].append((second, self.announcement(peer, [prefix], variant=n % 2)))

    def path(self, peer: tuple[str, int], origin: int, variant: int = 0) -> tuple[int, ...]:
        """The AS path of a route at a peer."""
        return (self.peer(peer).asn, 64600 + variant, 4837 if origin == 131279 else 64700, origin)

    def announcement(self, peer: tuple[str, int], prefixes: Sequence[Prefix], variant: int = 0) -> bytes:
        """An UPDATE of one peer."""
        return mrt.announce(self.route(peer, prefixes[0], variant), list(prefixes))

    def route(self, peer: tuple[str, int], prefix: Prefix, variant: int = 0) -> mrt.Route:
        """The route of one peer to a prefix."""
        origin = 131279 if prefix in OWN else 64800
        return mrt.Route(self.path(peer, origin, variant), self.peer(peer).address)

    @staticmethod
    def state(old: BgpState, new: BgpState) -> bytes:
        """A change of a session's state, as ``said`` holds it: told from messages by its first byte."""
        return b"S" + bytes([old, new])

    def peer(self, peer: tuple[str, int]) -> mrt.Peer:
        """The peer's AS, address and identifier; no two collectors share one."""
        place = list(self.collectors).index(peer[0])
        address = f"192.0.{2 + place}.{10 + peer[1]}"
        return mrt.Peer(64500 + 1000 * place + peer[1], address, address)

    def record(self, peer: tuple[str, int], second: int, said: bytes) -> bytes:
        """One MRT record."""
        local = mrt.Peer(64499, "198.51.100.1", "198.51.100.1")
        if said[:1] == b"S":
            return mrt.state_change(second, self.peer(peer), local, BgpState(said[1]), BgpState(said[2]))
        return mrt.bgp4mp(second, self.peer(peer), local, said)

    def dump(self, collector: str, second: int, lacking: Sequence[Prefix] = ()) -> bytes:
        """A table dump in which every peer holds everything but ``lacking``."""
        peers = self.peers(collector)
        out = mrt.peer_index_table(second, "198.51.100.1", [self.peer(peer) for peer in peers])
        rows = sorted(prefix for prefix in (*OTHERS, *OWN) if prefix not in lacking)
        for number, prefix in enumerate(rows):
            entries = [
                (place, second - 3600, mrt.rib_attributes(self.route(peer, prefix))) for place, peer in enumerate(peers)
            ]
            out += mrt.rib(second, number, prefix, entries)
        return out

    def write(
        self,
        folder: Path,
        *,
        missing: Mapping[str, tuple[float, float]] | None = None,
        clock: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
        dumps: Sequence[float] = (0,),
    ) -> Path:
        """Write the files of all collectors below a folder.

        missing  by collector, from which minute to which files are not there
        clock    by collector, (from minute, until minute, seconds that its records' times are off)
        """
        for collector in self.collectors:
            rows = sorted(
                ((second, peer[1], n, peer, said) for peer in self.peers(collector)
                 for n, (second, said) in enumerate(self.said[peer])),
                key=lambda row: (row[0], row[1]),
            )  # fmt: skip
            gone = (missing or {}).get(collector, (0, 0))
            for minute in dumps:
                if not gone[0] <= minute < gone[1]:
                    second = START + round(minute * 60)
                    store_file(folder, collector, "bview", second, self.dump(collector, second))
            by_file: dict[int, bytearray] = {n: bytearray() for n in range(-(-int(self.hours * 3600) // FILE_S))}
            for second, _, _, peer, said in rows:
                if int(second) // FILE_S not in by_file:
                    continue
                off = sum(o for a, b, o in (clock or {}).get(collector, ()) if a * 60 <= second < b * 60)
                by_file[int(second) // FILE_S] += self.record(peer, START + int(second + off), said)
            for number, data in by_file.items():
                if not gone[0] * 60 <= number * FILE_S < gone[1] * 60:
                    store_file(folder, collector, "updates", START + number * FILE_S, bytes(data))
        return folder


def store_file(folder: Path, collector: str, kind: str, second: int, data: bytes) -> None:
    """Write one file of a collector where an archive has it."""
    moment = datetime.fromtimestamp(second, UTC)
    path = folder / collector / f"{moment:%Y.%m}" / f"{kind}.{moment:%Y%m%d.%H%M}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 1, mtime=0))


def delegations(folder: Path) -> Path:
    """A delegated file that gives the four prefixes to KP, and the background to JP."""
    folder.mkdir(exist_ok=True)
    path = folder / "delegated-small"
    path.write_text(
        "2|apnic|20200301|2|19830613|20200301|+0000\n"
        "apnic|KP|ipv4|175.45.176.0|1024|20091221|allocated\n"
        "apnic|JP|ipv4|10.0.0.0|16777216|20000101|allocated\n"
    )
    return path


def analyze(archive: Archive, folder: Path, entity: str = "KP", **faults: object) -> Report:
    """Write the archive and replay it whole."""
    mrt_folder = archive.write(folder / "mrt", **faults)  # type: ignore[arg-type]
    return replay(archive, mrt_folder, folder, entity)


def replay(archive: Archive, mrt_folder: Path, folder: Path, entity: str = "KP") -> Report:
    """Replay what was written."""
    geo = [delegations(folder)]
    return one_entity.analyze(parse_entity(entity), START_US, at(60 * archive.hours), [mrt_folder], geo=geo, threads=1)

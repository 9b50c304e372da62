"""One analysis of one entity, complete: what publication turns into pages and files."""

from dataclasses import dataclass, field

from duskwatch.records.claim import Said
from duskwatch.records.comparison import Comparison
from duskwatch.records.coverage import Coverage
from duskwatch.records.entity import Entity
from duskwatch.records.evidence import Explanation
from duskwatch.records.impact import Impact
from duskwatch.records.judged import JudgedSpan
from duskwatch.records.networks import Networks
from duskwatch.records.outages import Outage
from duskwatch.records.signals import EntityHistory
from duskwatch.records.transit import OutageTransit


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file that was read, or tried."""

    name: str  # as given by the user, without the folders above
    sha256: str  # of the file as stored
    kind: str  # mrt, delegated, mmdb, asnames
    from_us: int | None  # first and last time in it; None where it holds none
    until_us: int | None
    records: int = 0
    bad_records: int = 0
    damage: str = ""  # where and how the file is damaged; empty where it is whole
    collector: str = ""
    size_bytes: int = 0
    note: str = ""  # what of it is other than its name or its kind lets expect; empty: nothing


@dataclass(frozen=True, slots=True)
class Report:
    """What `analyze` found. Times are microseconds since the epoch, UTC."""

    entity: Entity
    from_us: int
    until_us: int
    history: EntityHistory
    outages: tuple[Outage, ...]
    inputs: tuple[InputFile, ...]
    collectors: tuple[str, ...]
    time_zone: str = ""  # IANA name of the entity's local time, empty where it has none
    as_names: dict[int, str] = field(default_factory=dict)
    country_source: str = ""  # name and date of the file that mapped addresses to the country
    warnings: tuple[str, ...] = ()
    not_measured: tuple[str, ...] = ()
    reenactment: str = ""  # set on a re-enactment: the sentence that says so, shown wherever results are
    coverage: Coverage = field(default_factory=Coverage)  # faults of the recording, and who witnessed each outage
    networks: Networks | None = None  # of a country from archives; None: not told apart
    said: Said | None = None  # articles and statements compared with this report; None: none was given
    explanation: Explanation | None = None  # of the main outage; None: there is none, or nobody asked
    # [O] through whom what each outage took was reached, by whole paths; None: no route tells; empty: not worked out.
    around: tuple[OutageTransit | None, ...] = ()
    comparison: Comparison | None = None  # of the main outage with others in the same window; None: nobody asked
    impact: Impact | None = None  # of the main outage; None: there is none, or nobody asked
    # The window in stretches that were judged, and those that were not; empty: not worked out.
    judged: tuple[JudgedSpan, ...] = ()
    # All that was measured, from where the records begin; None: as ``history``, which begins with the window, or before
    # it where an outage does.
    led: EntityHistory | None = None

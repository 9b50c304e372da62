"""Outages of a store as rows: one each, as they are known now."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from duskwatch.records.coverage import Witnesses
from duskwatch.records.entity import Entity
from duskwatch.records.findings import Conclusion
from duskwatch.records.outages import Outage
from duskwatch.records.transit import OutageTransit

if TYPE_CHECKING:
    import polars as pl

Json = dict[str, Any]


class RevisionLike(Protocol):
    """One state of an outage, as a store gives it."""

    @property
    def number(self) -> int:
        """Counted from 1."""
        ...

    @property
    def at_us(self) -> int:
        """When it was recorded."""
        ...

    @property
    def by(self) -> str:
        """Who recorded it."""
        ...

    @property
    def why(self) -> str:
        """And why."""
        ...

    @property
    def state(self) -> str:
        """Open, ended, withdrawn, superseded or dismissed."""
        ...

    @property
    def outage(self) -> Outage:
        """What was found."""
        ...

    @property
    def relapse_of(self) -> str | None:
        """Id of the earlier outage that it relapses from."""
        ...

    @property
    def concluded(self) -> tuple[Conclusion, ...]:
        """By each source."""
        ...


class OutageLike(Protocol):
    """An outage as a store gives it."""

    @property
    def uid(self) -> str:
        """Its id."""
        ...

    @property
    def entity(self) -> Entity:
        """Whose it is."""
        ...

    @property
    def within(self) -> str:
        """Country, where it is of the entity's part in it alone."""
        ...

    @property
    def sources(self) -> tuple[str, ...]:
        """Who tells of it."""
        ...

    @property
    def detector(self) -> str:
        """Under which name it was found."""
        ...

    @property
    def newest(self) -> RevisionLike:
        """What is known now."""
        ...


MOMENTS = ("onset", "dark_from", "dark_until", "end")
BOUNDS = tuple(f"{name}_{bound}" for name in ("onset", "end") for bound in ("earliest", "latest"))
TEXTS = (
    "id", "entity_type", "entity", "name", "state", "relapse_of", "signals", "detector", "by", "why",
    "within", "sources", "doubts", "recording",
)  # fmt: skip
COUNTS = (
    "voters_lost", "voters_asked", "relapses", "revision", "entered_before", "entered_after", "hung_on",
)  # fmt: skip
SHARES = ("duration_seconds", "depth", "score", "confidence", "hung_share")


def outage_row(one: OutageLike) -> Json:
    """One outage as a row; times are microseconds since the epoch, None where nothing is known."""
    newest, outage = one.newest, one.newest.outage
    moments = {name: getattr(outage, name) for name in MOMENTS}
    witnesses = witnesses_of(newest.concluded)
    around = around_of(newest.concluded)
    return {
        "id": one.uid,
        "entity_type": one.entity.type,
        "entity": one.entity.code,
        "name": one.entity.name,
        "state": newest.state,
        **{name: None if when is None else when.best_us for name, when in moments.items()},
        **{
            f"{name}_{bound}": None if moments[name] is None else getattr(moments[name], f"{bound}_us")
            for name in ("onset", "end")
            for bound in ("earliest", "latest")
        },
        "duration_seconds": outage.duration_us / 1e6,
        "depth": outage.depth,
        "relapses": outage.relapses,
        "relapse_of": newest.relapse_of,
        "stable": outage.stable,
        "score": outage.score,
        "confidence": outage.confidence,
        "signals": " ".join(outage.signals),
        "detector": one.detector,
        "revision": newest.number,
        "revised": newest.at_us,
        "by": newest.by,
        "why": newest.why,
        "within": one.within or None,
        "sources": " ".join(one.sources),
        # Who witnessed it: voters that lost it, of those that had it and stayed; whether the recording is to blame.
        "voters_lost": None if witnesses is None else witnesses.lost,
        "voters_asked": None if witnesses is None else witnesses.asked,
        "recording": None if witnesses is None else witnesses.verdict,
        "doubts": None if witnesses is None else ", ".join(witnesses.doubts),
        # Through whom what it took was reached: the AS just outside before and at the end, and what most hung on.
        "entered_before": around.entries_before[0].outside if around and around.entries_before else None,
        "entered_after": around.entries_after[0].outside if around and around.entries_after else None,
        "hung_on": around.failures[0].asn if around and around.failures else None,
        "hung_share": around.failures[0].share if around and around.failures else None,
    }


def around_of(concluded: Iterable[Conclusion]) -> OutageTransit | None:
    """What whole paths told, by the source that saw most of it; None where no route tells, or nobody asked."""
    found = [one.around for one in concluded if one.around is not None]
    return max(found, key=lambda one: (one.prefixes, one.let_go), default=None)


def witnesses_of(concluded: Iterable[Conclusion]) -> Witnesses | None:
    """Those of the source with the most of them; None where no route tells of the outage, or nobody worked it out."""
    worked_out = [one.witnesses for one in concluded if one.witnesses is not None]
    return max(worked_out, key=lambda one: (one.asked, one.lost), default=None)


def outage_frame(outages: Iterable[OutageLike]) -> "pl.DataFrame":
    """Outages as a table, with the same columns also where there is none."""
    import polars as pl

    kinds: dict[str, Any] = dict.fromkeys((*MOMENTS, *BOUNDS, "revised", *COUNTS), pl.Int64)
    kinds |= dict.fromkeys(TEXTS, pl.String)
    kinds |= dict.fromkeys(SHARES, pl.Float64) | {"stable": pl.Boolean}
    rows = [outage_row(one) for one in outages]
    frame = pl.DataFrame(rows, schema_overrides=kinds) if rows else pl.DataFrame(schema=kinds)
    return frame.with_columns(pl.col(*MOMENTS, *BOUNDS, "revised").cast(pl.Datetime("us", "UTC")))

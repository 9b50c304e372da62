"""What an analysis fetches before it begins: archives of collectors, and whose addresses were whose."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from duskwatch.cli.downloading import (
    cache_from,
    collectors_named,
    fetch_with_progress,
    fetching_progress,
    limits_from,
    names_text,
    now_us,
)
from duskwatch.cli.options import fail
from duskwatch.records.entity import Entity
from duskwatch.records.times import DAY, iso, parse_time, to_datetime

if TYPE_CHECKING:
    from duskwatch.sources.bgp.archives.fetch import Fetched
    from duskwatch.sources.reference.fetch import Listings


@dataclass
class Fetching:
    """Options of fetching, and what the report says of it. Nothing is opened before it is needed."""

    mirror: Sequence[str]
    reference_mirror: Sequence[str]
    cache: Path | None
    max_cache: str | None
    jobs: int
    offline: bool
    quiet: bool
    warnings: list[str] = field(default_factory=list)
    failed: bool = False
    kept: list[Path] = field(default_factory=list)  # what this run needs stays in the cache
    command: str = "analyze"  # whose name stands before messages
    listings: "Listings" = field(default_factory=dict)  # index pages of registries, for the days that follow

    def check(self, entity: Entity, names: Sequence[str], *, geo: bool = False) -> None:
        """Raise InputError where a country, a collector or a mirror is none.

        geo  files say whose addresses are whose: they alone know which codes there are
        """
        from duskwatch.sources.bgp.archives.mirrors import choose_mirrors
        from duskwatch.sources.reference.names import country_name

        if entity.type == "country" and not geo:
            country_name(entity.code)
        if names:
            collectors_named(names, choose_mirrors(self.mirror))

    def archives(self, names: Sequence[str], from_us: int, until_us: int, *, daily: bool = False) -> list[Path]:
        """Files of the collectors for a window, fetched or from the cache. Exits with 2 where there is none at all.

        ``daily`` is for work that is split by day: each day gets a table dump to begin from.
        """
        from duskwatch.sources.bgp.archives.fetch import plan_archives
        from duskwatch.sources.bgp.archives.mirrors import choose_mirrors

        limits = limits_from(self.command, self.jobs)
        mirrors = choose_mirrors(self.mirror)
        collectors = collectors_named(names, mirrors)
        store = cache_from(self.cache, self.max_cache)
        plans, refused = plan_archives(
            collectors,
            from_us,
            until_us,
            mirrors,
            store,
            now_us(),
            limits=limits,
            offline=self.offline,
            restart_us=range(from_us - from_us % DAY + DAY, until_us, DAY) if daily else (),
        )
        paths: list[Path] = []
        reasons = [f"{each.collector}: {each.reason}" for each in refused]
        for got in fetch_with_progress(plans, mirrors, store, limits, self.quiet, self.kept):
            reasons += self._notes(got, until_us)
            paths += got.files
        if not paths:
            where = "the cache (--offline)" if self.offline else "the archives"
            why = f"; {reasons[0]}" if reasons and not self.offline else ""
            fail(self.command, f"no file of {', '.join(names)} from {iso(from_us)} to {iso(until_us)} in {where}{why}")
        for reason in reasons:
            self._failure(reason)
        return paths

    def _notes(self, got: "Fetched", until_us: int) -> list[str]:
        """Note what lacks of one collector for the report; what failed of it."""
        name = got.plan.collector.name
        out = [
            f"{name}: {one.wanted.url} {'is damaged as published' if one.state == 'fetched' else 'was not fetched'}: "
            f"{one.reason}"
            for one in got.failures
        ]
        if not got.files:
            return [*out, f"{name}: no file of this window {'in the cache' if self.offline else 'to be had'}"]
        if got.empty:
            self.warnings.append(f"{name}: without a single record, so gaps: {names_text(got.empty)}")
        if got.missing:
            self.warnings.append(f"{name}: missing in the archive, so gaps: {names_text(got.missing)}")
        if got.plan.until_us < until_us:
            self.warnings.append(f"{name}: nothing is published yet after {iso(got.plan.until_us)}")
        return out

    def delegations(self, from_us: int) -> list[Path]:
        """The registries' files of the day on which the window begins. Exits with 2 where there is none at all."""
        from duskwatch.sources.reference.fetch import fetch_delegated, reference_mirrors
        from duskwatch.sources.reference.fetch_layout import PUBLIC

        on = to_datetime(from_us).date()
        mirrors = reference_mirrors(self.reference_mirror)
        limits = limits_from(self.command, self.jobs)
        store = cache_from(self.cache, self.max_cache)
        with fetching_progress(self.quiet, len(PUBLIC), None) as progress:
            files, failures = fetch_delegated(
                list(PUBLIC),
                on,
                mirrors,
                store,
                limits=limits,
                offline=self.offline,
                progress=progress,
                listings=self.listings,
            )
        if not files:
            reason = failures[0].reason
            fail(
                self.command,
                f"which addresses are the country's? no file of a registry could be had ({reason}); "
                "give --geo FILE: an RIR delegated-extended file of the day, or a MaxMind-format database",
            )
        self.kept += [each.path for each in files]
        self.warnings += [note for each in files if (note := each.note(on))]
        for failure in failures:
            self._failure(f"no delegations of {failure.registry}: {failure.reason}")
        return [each.path for each in files]

    def as_names(self) -> list[Path]:
        """The file of AS names, or nothing: then networks are told by number, and the report says why."""
        from duskwatch.sources.reference.fetch import ReferenceFailure, fetch_as_names, names_mirror

        store = cache_from(self.cache, self.max_cache)
        today = to_datetime(now_us()).date()
        with fetching_progress(self.quiet, 1, None) as progress:
            found = fetch_as_names(
                today,
                names_mirror(self.reference_mirror),
                store,
                limits=limits_from(self.command, self.jobs),
                offline=self.offline,
                progress=progress,
            )
        if isinstance(found, ReferenceFailure):
            self.warnings.append(f"AS numbers are told without names: {found.reason}")
            return []
        self.kept.append(found.path)
        return [found.path]

    def delegations_by_week(self, from_us: int, until_us: int) -> list[tuple[date, tuple[Path, ...]]]:
        """Monday, and the registries' files of that day, for each week that the window touches. Exits as delegations().

        By Mondays, so that another window finds the same files for the same day.
        """
        first, last = to_datetime(from_us).date(), to_datetime(until_us - 1).date()
        monday = first - timedelta(days=first.weekday())
        mondays = [monday + timedelta(weeks=week) for week in range((last - monday).days // 7 + 1)]
        return [(day, tuple(self.delegations(parse_time(day.isoformat())))) for day in mondays]

    def _failure(self, text: str) -> None:
        """Said at once, kept in the report, and the exit code is 1."""
        print(f"duskwatch {self.command}: {text}", file=sys.stderr)
        self.warnings.append(text)
        self.failed = True

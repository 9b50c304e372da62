"""RIR delegated files of a day, fetched into the cache: which addresses belonged to whom, as it was then."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from duskwatch.sources.downloads.address import address_or_folder
from duskwatch.sources.downloads.cache import Cache, place_name
from duskwatch.sources.downloads.checksum import sidecars
from duskwatch.sources.downloads.errors import DownloadError, NotThereError, RefusedError
from duskwatch.sources.downloads.listing import Listed, parse_listing
from duskwatch.sources.downloads.session import Limits, Web
from duskwatch.sources.downloads.transfer import Progress, Wanted, fetch
from duskwatch.sources.reference import fetch_layout as layout
from duskwatch.sources.reference.asnames import read_as_names
from duskwatch.sources.reference.files import ReferenceDataError, describe, read_stored

ENVIRONMENT = "DUSKWATCH_REFERENCE_MIRROR"
NAMES = "asnames"  # as a registry's name stands before an address
Listings = dict[str, tuple[Listed, ...]]
"""Index pages by address, so that each is asked for once; empty where there is none."""
DAYS_ASKED = 7  # days that are asked for by name, back from the one wanted, where there is no index page


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """One registry's file that could be had."""

    registry: str
    day: date
    path: Path
    state: str  # cached, fetched, or local: in a folder that was named
    url: str = ""
    size_bytes: int = 0

    def note(self, wanted: date) -> str:
        """What to tell where the file is not of the day wanted; else nothing."""
        if self.day == wanted:
            return ""
        return (
            f"{self.registry}: no file of {wanted}; that of {self.day} was taken, {(wanted - self.day).days} d before"
        )


@dataclass(frozen=True, slots=True)
class ReferenceFailure:
    """A registry whose file could not be had, and why."""

    registry: str
    reason: str


def reference_mirrors(named: Iterable[str] = (), environment: str | None = None) -> dict[str, str]:
    """Address or folder of each registry's files: from ``--mirror`` values, else $DUSKWATCH_REFERENCE_MIRROR.

    ``apnic=ADDRESS`` is that of one registry's files; an address alone has a folder for each registry, as the
    registries keep each other's files. Raises DownloadError where a value is neither address nor folder.
    """
    values = [value for value in named if value.strip()]
    if not values:
        values = (os.environ.get(ENVIRONMENT, "") if environment is None else environment).split()
    out = dict(layout.PUBLIC)
    for value in values:
        registry, _, rest = value.partition("=")
        if registry == NAMES:
            continue
        if registry in out:
            out[registry] = str(address_or_folder(rest))
        else:
            place = address_or_folder(value)
            out = {each: f"{place}/{each}" for each in out}
    return out


def names_mirror(named: Iterable[str] = (), environment: str | None = None) -> str:
    """Address or folder of the file of AS names: ``asnames=ADDRESS``, or the folder asnames of an address alone."""
    values = [value for value in named if value.strip()]
    if not values:
        values = (os.environ.get(ENVIRONMENT, "") if environment is None else environment).split()
    out = layout.AS_NAMES
    for value in values:
        name, _, rest = value.partition("=")
        if name == NAMES:
            out = str(address_or_folder(rest))
        elif name not in layout.PUBLIC:
            out = f"{address_or_folder(value)}/{NAMES}"
    return out


def fetch_as_names(
    on: date,
    mirror: str,
    cache: Cache,
    *,
    limits: Limits | None = None,
    offline: bool = False,
    progress: Progress | None = None,
) -> ReferenceFile | ReferenceFailure:
    """The file of AS names as it is on a day, which is today: published are those of the present alone.

    One that was fetched up to a week before is used without asking anybody; an older one where no newer can be had.
    ``offline`` uses the cache alone.
    """
    if not mirror.startswith(("http://", "https://")):
        path = Path(mirror) / layout.AS_NAMES_FILE
        if not path.is_file():
            return ReferenceFailure(NAMES, f"{path}: there is no such file")
        return ReferenceFile(NAMES, on, path, "local", "", path.stat().st_size)
    folder = cache.root / "reference" / place_name(mirror) / NAMES
    kept = {day: path for path in folder.glob("asn-*.txt") if (day := _day_of(path)) is not None and day <= on}
    newest = max(kept, default=None)

    def cached(day: date) -> ReferenceFile:
        return ReferenceFile(NAMES, day, kept[day], "cached", "", kept[day].stat().st_size)

    if newest is not None and (offline or (on - newest).days < layout.AS_NAMES_DAYS):
        return cached(newest)
    if offline:
        return ReferenceFailure(NAMES, "no file of AS names in the cache")
    url = f"{mirror}/{layout.AS_NAMES_FILE}"
    wanted = Wanted(url, folder / f"asn-{on:%Y%m%d}.txt", layout.MOST_BYTES, None, None)

    async def run() -> ReferenceFile | ReferenceFailure:
        async with Web(limits) as web:
            outcome = await fetch(wanted, web, cache, progress)
        if outcome.state not in ("cached", "fetched") or outcome.reason:
            return ReferenceFailure(NAMES, f"{url}: {outcome.reason}")
        try:
            read_as_names(read_stored(wanted.path, layout.MOST_BYTES))
        except ReferenceDataError as error:
            wanted.path.unlink()
            return ReferenceFailure(NAMES, f"{url}: {error}")
        return ReferenceFile(NAMES, on, wanted.path, outcome.state, url, wanted.path.stat().st_size)

    try:
        found = asyncio.run(run())
    except RefusedError as error:
        found = ReferenceFailure(NAMES, str(error))
    except OSError as error:
        found = ReferenceFailure(NAMES, f"{error.filename or ''}: {error.strerror or error}")
    return cached(newest) if isinstance(found, ReferenceFailure) and newest is not None else found


def _day_of(path: Path) -> date | None:
    try:
        return date.fromisoformat(path.stem.removeprefix("asn-"))
    except ValueError:
        return None


def fetch_delegated(
    registries: Sequence[str],
    on: date,
    mirrors: dict[str, str],
    cache: Cache,
    *,
    limits: Limits | None = None,
    offline: bool = False,
    progress: Progress | None = None,
    listings: Listings | None = None,
) -> tuple[list[ReferenceFile], list[ReferenceFailure]]:
    """Each registry's file of a day, or of the nearest day up to a month earlier; in the order of ``registries``.

    A file of the very day that is in the cache is used without asking anybody. ``offline`` uses the cache alone.
    listings  index pages asked for by earlier calls: of several days, each page is asked for once
    """
    pages: Listings = {} if listings is None else listings
    missing = sorted(set(registries) - set(layout.PUBLIC))
    if missing:
        raise DownloadError(f"no registry '{missing[0]}'; there are {', '.join(layout.PUBLIC)}")

    async def run() -> list[ReferenceFile | ReferenceFailure]:
        async with Web(limits) as web:

            async def one(registry: str) -> ReferenceFile | ReferenceFailure:
                try:
                    return await _registry(registry, on, mirrors[registry], cache, web, offline, progress, pages)
                except RefusedError as error:
                    return ReferenceFailure(registry, str(error))
                except OSError as error:
                    return ReferenceFailure(registry, f"{error.filename or ''}: {error.strerror or error}")

            return list(await asyncio.gather(*(one(registry) for registry in dict.fromkeys(registries))))

    found = asyncio.run(run())
    files = [each for each in found if isinstance(each, ReferenceFile)]
    cache.make_room(0, {each.path for each in files})
    return files, [each for each in found if isinstance(each, ReferenceFailure)]


async def _registry(
    registry: str,
    on: date,
    mirror: str,
    cache: Cache,
    web: Web,
    offline: bool,
    progress: Progress | None,
    pages: Listings,
) -> ReferenceFile | ReferenceFailure:
    if not mirror.startswith(("http://", "https://")):
        return _from_folder(registry, on, Path(mirror), "local")
    kept = cache.root / "reference" / place_name(mirror) / registry
    here = _from_folder(registry, on, kept, "cached")
    if offline or (isinstance(here, ReferenceFile) and _is_best(here, registry, on)):
        return here
    wanted = await _listed(registry, on, mirror, kept, web, pages)
    if wanted is None:
        wanted = await _asked(registry, on, mirror, kept, web)
    if wanted is None:
        return ReferenceFailure(registry, f"{mirror} has no file of {on} or of the month before")
    outcome = await fetch(wanted, web, cache, progress)
    if outcome.state not in ("cached", "fetched"):
        return ReferenceFailure(registry, f"{wanted.url}: {outcome.reason}")
    if outcome.reason:
        return ReferenceFailure(registry, f"{wanted.url} is damaged as published: {outcome.reason}")
    if outcome.state == "fetched" and (wrong := await asyncio.to_thread(_wrong_kind, wanted.path)):
        wanted.path.unlink()
        return ReferenceFailure(registry, f"{wanted.url}: {wrong}")
    file = layout.dated(wanted.path.name, registry)
    assert file is not None
    return ReferenceFile(registry, file.day, wanted.path, outcome.state, wanted.url, wanted.path.stat().st_size)


def _wrong_kind(path: Path) -> str:
    """Why a fetched file is none of delegations (an error page, say); empty where it is one."""
    try:
        stored = read_stored(path, layout.MOST_BYTES * 4)
    except ReferenceDataError as error:
        return str(error)
    lines = (line for line in stored.data[: 64 << 10].splitlines() if line.strip() and not line.startswith(b"#"))
    if next(lines, b"").count(b"|") >= 5:
        return ""
    return f"this is {describe(stored.data)}, not a RIR delegated statistics file"


def _is_best(here: ReferenceFile, registry: str, on: date) -> bool:
    """Whether it is of the very day, and nothing better can be hoped for."""
    return here.path.name in layout.names(registry, on)[: len(layout.ENDINGS.get(registry, ("", ".gz")))]


def _from_folder(registry: str, on: date, folder: Path, state: str) -> ReferenceFile | ReferenceFailure:
    if state == "local" and not folder.is_dir():
        folder = folder.parent  # one folder with the files of all registries
    names = {path.name: path for path in sorted(folder.rglob(f"delegated-{registry}-*")) if path.is_file()}
    best = layout.choose(names, registry, on)
    if best is None:
        where = "the cache" if state == "cached" else str(folder)
        return ReferenceFailure(registry, f"no file of {on} or of the month before in {where}")
    path = names[best.name]
    return ReferenceFile(registry, best.day, path, state, "", path.stat().st_size)


async def _listed(registry: str, on: date, mirror: str, kept: Path, web: Web, pages: Listings) -> Wanted | None:
    """The best file that index pages name; None where no page is served or none names one."""
    found: dict[str, tuple[str, str | None]] = {}
    for folder in layout.folders(registry, on):
        url = f"{mirror}/{folder}"
        if url not in pages:
            try:
                pages[url] = tuple(parse_listing(await web.text(url), url) or ())
            except NotThereError:
                pages[url] = ()
            except RefusedError as error:
                if error.status is None:
                    raise RefusedError(f"{url}: {error}") from None
                continue
        all_names = {entry.name for entry in pages[url]}
        for entry in pages[url]:
            if not entry.is_folder and layout.dated(entry.name, registry) and entry.name not in found:
                sums = sidecars(entry.name, all_names)
                found[entry.name] = url + entry.name, url + sums[0] if sums else None
    best = layout.choose(found, registry, on)
    if best is None:
        return None
    url, sums_url = found[best.name]
    return Wanted(url, kept / best.name, layout.MOST_BYTES, None, sums_url)


async def _asked(registry: str, on: date, mirror: str, kept: Path, web: Web) -> Wanted | None:
    """The newest file of the last days that the server has when asked for each by name."""
    for back in range(DAYS_ASKED):
        day = on - timedelta(days=back)
        for name in layout.names(registry, day):
            for folder in layout.folders(registry, day):
                url = f"{mirror}/{folder}{name}"
                try:
                    await web.head(url)
                except NotThereError:
                    continue
                except RefusedError as error:
                    if error.status is None:
                        raise RefusedError(f"{url}: {error}") from None
                    continue
                return Wanted(url, kept / name, layout.MOST_BYTES, None, f"{url}.md5")
    return None

"""Where archives are read from: the public servers, a mirror of one or both, or a local folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from duskwatch.sources.bgp.archives.collectors import Collector, Project
from duskwatch.sources.bgp.archives.layout import PUBLIC
from duskwatch.sources.downloads.address import address_or_folder

ENVIRONMENT = "DUSKWATCH_MIRROR"


@dataclass(frozen=True, slots=True)
class Mirror:
    """One place with a project's layout: an address without a slash at its end, or a folder."""

    url: str = ""
    folder: Path | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.folder) if self.folder else self.url


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Where each project's archive is read from."""

    ris: Mirror
    route_views: Mirror

    def of(self, collector: Collector) -> Mirror:
        """The place of one collector's files."""
        return self.ris if collector.project == "ris" else self.route_views

    def is_public(self, collector: Collector) -> bool:
        """Whether that is the project's own server."""
        return self.of(collector).url == PUBLIC[collector.project]


def choose_mirrors(named: Iterable[str] = (), environment: str | None = None) -> Mirrors:
    """Mirrors from ``--mirror`` values, else from $DUSKWATCH_MIRROR (split at spaces), else the public archives.

    A value is an address or a folder for both projects, or begins with ``ris=`` or ``route-views=``. Raises
    DownloadError where one is neither.
    """
    values = [value for value in named if value.strip()]
    if not values:
        values = (os.environ.get(ENVIRONMENT, "") if environment is None else environment).split()
    chosen: dict[Project, Mirror] = {project: Mirror(url) for project, url in PUBLIC.items()}
    for value in values:
        for project in PUBLIC:
            if value.startswith(f"{project}="):
                chosen[project] = parse_mirror(value[len(project) + 1 :])
                break
        else:
            mirror = parse_mirror(value)
            chosen = {"ris": mirror, "route-views": mirror}
    return Mirrors(chosen["ris"], chosen["route-views"])


def parse_mirror(text: str) -> Mirror:
    """An http or https address, a file address, or the path of a folder. DownloadError where it is none of them."""
    place = address_or_folder(text)
    return Mirror(folder=place) if isinstance(place, Path) else Mirror(place)

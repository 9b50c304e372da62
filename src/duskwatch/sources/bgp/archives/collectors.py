"""The collectors of RIPE RIS and Route Views by name.

RIPE RIS: ris.ripe.net/docs/route-collectors. Route Views: the folders of archive.routeviews.org, as indexes of it list
them. A name that is missing here still works with ``--mirror``; one that is here may have no file for a window.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from duskwatch.sources.downloads.errors import DownloadError

Project = Literal["ris", "route-views"]


@dataclass(frozen=True, slots=True)
class Collector:
    """One collector."""

    name: str
    project: Project
    place: str = ""  # where it stands, as its project says; empty where that was not looked up
    withdrawn: bool = False  # writes no more; its archive remains
    since: str = ""  # month of the first data, where a source was found for it


_RIS = {
    "rrc00": "Amsterdam, multihop",
    "rrc01": "London, LINX and LONAP",
    "rrc02": "Paris, SFINX",
    "rrc03": "Amsterdam, AMS-IX and NL-IX",
    "rrc04": "Geneva, CIXP",
    "rrc05": "Vienna, VIX",
    "rrc06": "Tokyo, DIX-IE and JPIX",
    "rrc07": "Stockholm, Netnod",
    "rrc08": "San Jose, MAE-WEST",
    "rrc09": "Zurich, TIX",
    "rrc10": "Milan, MIX-IT",
    "rrc11": "New York, NYIIX",
    "rrc12": "Frankfurt, DE-CIX",
    "rrc13": "Moscow, MSK-IX",
    "rrc14": "Palo Alto, Equinix",
    "rrc15": "Sao Paulo, IX.br",
    "rrc16": "Miami, Equinix",
    "rrc18": "Barcelona, CATNIX",
    "rrc19": "Johannesburg, NAPAfrica",
    "rrc20": "Zurich, SwissIX",
    "rrc21": "Paris and Marseille, France-IX",
    "rrc22": "Bucharest, InterLAN-IX",
    "rrc23": "Singapore, Equinix",
    "rrc24": "Montevideo, multihop",
    "rrc25": "Amsterdam, multihop",
    "rrc26": "Dubai, UAE-IX",
}
_RIS_WITHDRAWN = {"rrc02", "rrc08", "rrc09"}
_RIS_SINCE = {"rrc00": "1999-09", "rrc01": "2000-07"}
_ROUTE_VIEWS = """
route-views2 route-views3 route-views4 route-views5 route-views6 route-views7 route-views8 route-views2.saopaulo
route-views.amsix route-views.bdix route-views.bknix route-views.chicago route-views.chile route-views.eqix
route-views.flix route-views.fortaleza route-views.gixa route-views.gorex route-views.isc route-views.jinx
route-views.kixp route-views.linx route-views.mwix route-views.napafrica route-views.ny route-views.nwax
route-views.perth route-views.peru route-views.phoix route-views.rio route-views.saopaulo route-views.sfmix
route-views.sg route-views.siex route-views.soxrs route-views.sydney route-views.telxatl route-views.uaeix
route-views.wide
amsix.ams cix.atl crix.sjo decix.fra decix.jhb getafix.mnl hkix.hkg iix.cgk interlan.otp iraq-ixp.bgw ix-br.gru
ix-br2.gru ixpn.lagos kinx.icn namex.fco netnod.mmx pacwave.lax pit.scl pitmx.qro
"""

COLLECTORS: dict[str, Collector] = {
    **{
        name: Collector(name, "ris", place, name in _RIS_WITHDRAWN, _RIS_SINCE.get(name, ""))
        for name, place in _RIS.items()
    },
    **{name: Collector(name, "route-views") for name in _ROUTE_VIEWS.split()},
}
# Known by name, but nothing that can be read: text as a router prints it.
TEXT_ONLY = {"route-views", "oix-route-views", "route-views.oregon-ix"}
SHAPE = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*")


def find_collector(name: str, *, public: bool) -> Collector:
    """The collector of a name; with ``public`` it must be one that the public archives have.

    Elsewhere (a mirror, a folder) rrc and two digits are laid out as RIPE RIS does, everything else as Route Views.
    Raises DownloadError, one sentence that says what to do.
    """
    wanted = name.strip().lower()
    if wanted in COLLECTORS:
        return COLLECTORS[wanted]
    if wanted in TEXT_ONLY:
        raise DownloadError(f"the archive of {wanted} is text, not MRT; take route-views2, which has the same peers")
    if not SHAPE.fullmatch(wanted) or len(wanted) > 64:
        raise DownloadError(f"'{name}' is not the name of a collector; write it like rrc00 or route-views2")
    if public:
        near = get_close_matches(wanted, COLLECTORS, 3, 0.6)
        hint = f"did you mean {', '.join(near)}?" if near else "`duskwatch archive list` names them all;"
        raise DownloadError(f"no collector '{name}' in the public archives; {hint} other archives need --mirror")
    return Collector(wanted, "ris" if re.fullmatch(r"rrc\d\d", wanted) else "route-views")

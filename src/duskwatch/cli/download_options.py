"""Options of commands that download: from where, into which cache, over how many connections."""

from pathlib import Path
from typing import Annotated

import typer

MirrorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mirror",
        help="Address or folder with the same layout; ris=... or route-views=... for one project. Repeatable. "
        "Else $DUSKWATCH_MIRROR, else the public archives.",
    ),
]
ReferenceMirrorOption = Annotated[
    list[str] | None,
    typer.Option("--reference-mirror", help="As --mirror, for the registries' files. Else the registries."),
]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", help="Folder to keep files in. Else $DUSKWATCH_CACHE, else the system's.")
]
JobsOption = Annotated[int, typer.Option("--jobs", help="Connections to one host at once, 1 to 16.")]
MaxCacheOption = Annotated[str | None, typer.Option("--max-cache", help="Limit of the cache: 500M, 20G, 1T.")]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Fetch nothing; use what is in the cache.")]

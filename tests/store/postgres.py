"""A PostgreSQL server for tests: made in a temporary folder, reached by its socket alone, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """The newest folder with initdb and pg_ctl; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4].split(".")[0]))
    if found:
        return found[-1].parent
    which = shutil.which("initdb")
    return Path(which).parent if which else None


@contextmanager
def server(binaries: Path) -> Iterator[str]:
    """A running server; yields the part of its URLs after the name of the database."""
    # The server refuses to run as root, and its folder must be reached by whoever it runs as.
    as_user = ["runuser", "-u", "nobody", "--"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="duskwatch-postgres-"))
    try:
        if as_user:
            shutil.chown(folder, "nobody")
        data = folder / "data"

        def run(*command: str | Path) -> None:
            subprocess.run(
                [*as_user, *command],
                check=True,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                timeout=60,
            )

        run(binaries / "initdb", "-D", data, "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=30"
        run(binaries / "pg_ctl", "-D", data, "-w", "-t", "30", "-l", folder / "log", "-o", options, "start")
        try:
            yield f"?host={folder}"
        finally:
            run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)

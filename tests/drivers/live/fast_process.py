"""A live run by a fast clock, as a process of its own that can be killed: FOLDER PORT BEGAN."""

import asyncio
import signal
import sys
from pathlib import Path

from duskwatch.drivers.live.configured import configured_run
from duskwatch.drivers.live.logs import log_to_stderr
from tests.drivers.live.fast import FastClock, settings


async def main(folder: Path, port: int, began: float) -> None:
    run = configured_run(settings(port, "delegated-small"), folder, clock=FastClock(began))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, run.stop.set)
    await run.run()


if __name__ == "__main__":
    log_to_stderr("text")
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))

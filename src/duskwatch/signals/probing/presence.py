"""From a connection log: which probes were connected when, and how long each absence was."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from duskwatch.records.probes import BOOL, I64, ConnectionLog

NEVER = np.iinfo(np.int64).max  # an absence that the log does not see the end of


@dataclass(frozen=True, slots=True, eq=False)
class Presence:
    """Stretches in which each probe was connected, and for each departure its return. S stretches, N events.

    Before its first event a probe was connected where that event is a departure, and away where the probe came.
    """

    probe: I64  # [S]
    from_us: I64  # [S] 0 where the probe was connected when the log began
    until_us: I64  # [S] NEVER where the probe is connected when the log ends
    controller: npt.NDArray[np.int32]  # [S] that lost it in the end; that met it where nobody lost it
    asn: npt.NDArray[np.uint32]  # [S]
    back_us: I64  # [N] when the probe of a departure came back, else NEVER; NEVER for arrivals too

    def at(self, time_us: int) -> BOOL:
        """Stretches that cover a moment, [S]; of a departure in that very moment too."""
        return (self.from_us < time_us) & (self.until_us >= time_us)


def presence(log: ConnectionLog) -> Presence:
    """Walk each probe's events in order of time. Two departures in a row end one stretch, the first of them."""
    order = np.lexsort((log.connects, log.time_us, log.probe))
    back = np.full(len(log), NEVER, np.int64)
    rows: list[tuple[int, int, int, int, int]] = []
    current, since, met, returned = -1, -1, (-1, 0), NEVER
    columns = (log.probe, log.time_us, log.connects, log.controller, log.asn)
    probes, times, comes, controllers, networks = (column[order].tolist() for column in columns)
    for at, (probe, time, came) in enumerate(zip(probes, times, comes, strict=True)):
        where = (controllers[at], networks[at])
        if probe != current:
            if since >= 0:
                rows.append((current, since, NEVER, *met))
            current, since, met = probe, -1 if came else 0, where
        if came:
            if since < 0:
                since = time
            met = where
        elif since >= 0:
            rows.append((probe, since, time, *where))
            since = -1
    if since >= 0:
        rows.append((current, since, NEVER, *met))
    current = -1
    for at in range(len(order) - 1, -1, -1):
        if probes[at] != current:
            current, returned = probes[at], NEVER
        if comes[at]:
            returned = times[at]
        else:
            back[order[at]] = returned
    table = np.array(rows, np.int64).reshape(-1, 5)
    return Presence(
        table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy(),
        table[:, 3].astype(np.int32), table[:, 4].astype(np.uint32), back,
    )  # fmt: skip

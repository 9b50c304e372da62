"""The walk through rows of votes that counts who holds what."""

import numpy as np
import numpy.typing as npt

from duskwatch.kernels.votes import count_votes
from duskwatch.signals.bgp.vote_rows import Column, VoteRows

# Columns that the walk fills.
CHANGES = ("time_us", "prefix", "state", "votes", "voters", "origin", "upstream", "beyond", "by_voters")
STEPS = ("step_us", "voters4", "voters6")


def walk(
    rows: VoteRows, address_family: npt.NDArray[np.uint8], voters: int
) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """Columns of CHANGES and of STEPS. address_family uint8[U]: 0 IPv4, 1 IPv6. Memory: U * (N + 4 * voters) bytes."""
    voter_of = rows.voter_of
    prefixes, sessions = rows.cells.shape
    state = (
        rows.cells.copy(),
        np.zeros((prefixes, voters), np.uint16),
        np.zeros((prefixes, voters), np.uint16),
        np.zeros(prefixes, np.int32),
        np.zeros(prefixes, np.int32),
        np.zeros(prefixes, np.uint8),
        np.ones(prefixes, np.uint8),
        rows.last.copy(),
        rows.ever.copy(),
        np.zeros((sessions, 2), np.uint8),
        rows.complete.copy(),
        rows.fresh.copy(),
        np.zeros((voters, 2), np.int32),
        np.zeros(2, np.int32),
        np.zeros((voters, 2), np.int32),
        np.zeros(2, np.int32),
    )
    touched = np.zeros(prefixes, np.uint8)
    touched_list = np.zeros(prefixes, np.int32)
    room = max(2 * prefixes, 1 << 16)
    kinds = (np.int64, np.int32, np.uint8, np.int32, np.int32, np.int32, np.uint8)
    changes: list[tuple[Column, ...]] = [tuple(np.empty(0, kind) for kind in kinds)]
    steps: list[tuple[Column, ...]] = [(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32))]
    row, more = 0, True
    while more:
        out = tuple(np.empty(room, kind) for kind in kinds)
        step_out = (np.empty(1 << 14, np.int64), np.empty(1 << 14, np.int32), np.empty(1 << 14, np.int32))
        row, n, m, more = count_votes(
            rows.time_us,
            rows.session,
            rows.prefix,
            rows.code,
            rows.route,
            voter_of,
            address_family,
            *state,
            row,
            touched,
            touched_list,
            *out,
            *step_out,
        )
        changes.append(tuple(column[:n] for column in out))
        steps.append(tuple(column[:m] for column in step_out))
    time_us, prefix, state_, votes, live, route, by = (np.concatenate(column) for column in zip(*changes, strict=True))
    return (
        (time_us, prefix, state_, votes, live, *(column[route] for column in rows.routes.ends), by),
        tuple(np.concatenate(column) for column in zip(*steps, strict=True)),
    )

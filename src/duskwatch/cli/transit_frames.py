"""What `duskwatch transit` tells, as frames of rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from duskwatch.analysis.transit import Dependence, Loss, Transit
from duskwatch.signals.bgp.transit.hegemony import Scores

SHOWN = ("hegemony", "networks", "links", "failures", "changes", "withdrawals", "others")
TITLES = {
    "hegemony": "Depends on (AS hegemony: 1 is all of it, whoever looks)",
    "networks": "Network by network",
    "links": "Is entered through",
    "failures": "Single points of failure (what nobody but they carry, or too few others)",
    "changes": "What changed",
    "withdrawals": "Who let go of it when most was lost, the first to do so first",
    "others": "Who else was reached through AS{behind}",
}


class Rows:
    """Frames of one result. AS numbers get the names that are known."""

    def __init__(self, found: Transit, names: Mapping[int, str]) -> None:
        self._found, self._names = found, names

    def frame(self, what: str, top: int = 0) -> Any:
        """One of SHOWN; at most ``top`` rows of what is sorted by size, 0: all."""
        frame = getattr(self, f"_{what}")()
        return frame.head(top) if top and what in ("hegemony", "networks", "links", "failures", "others") else frame

    @property
    def there(self) -> tuple[str, ...]:
        """Those of SHOWN that a result of its kind has."""
        over = self._found.after is not None
        networks = self._found.entity.type == "country"
        kinds = {
            "networks": networks,
            "changes": over,
            "withdrawals": over,
            "others": self._found.others_behind > 0,
        }
        return tuple(what for what in SHOWN if kinds.get(what, True))

    def _dependences(self) -> list[Dependence]:
        found = self._found
        return [found.before] if found.after is None else [found.before, found.after]

    def _hegemony(self) -> Any:
        if self._found.series is None:
            rows = self._found.before.hegemony
            return _frame(
                {
                    "asn": (list(rows), "int"),
                    "name": (self._called(rows), "text"),
                    "hegemony": (list(rows.values()), "share"),
                }
            )
        return self._moments(
            [list(one.hegemony) for one in self._dependences()],
            lambda one, rows: {
                "asn": (rows, "int"),
                "name": (self._called(rows), "text"),
                "hegemony": ([one.hegemony[asn] for asn in rows], "share"),
            },
        )

    def series(self) -> Any:
        """AS hegemony in bins, one row for each bin and AS; None where only a moment was asked about."""
        block = self._found.series
        if block is None:
            return None
        asns = [int(name.rsplit("AS", 1)[1]) for name in block.names]
        times = block.times_us.tolist()
        return _frame(
            {
                "time": ([when for _ in asns for when in times], "time"),
                "asn": ([asn for asn in asns for _ in times], "int"),
                "name": ([name for name in self._called(asns) for _ in times], "text"),
                "hegemony": (block.values.reshape(-1).tolist(), "share"),
            }
        )

    def _moments(self, rows: list[list[Any]], columns: Any) -> Any:
        import polars as pl

        frames = []
        for one, its_rows in zip(self._dependences(), rows, strict=True):
            frame = _frame(columns(one, its_rows))
            at = pl.lit(one.time_us, pl.Int64).cast(pl.Datetime("us", "UTC")).alias("time")
            frames.append(frame.select(at, pl.all()))
        return pl.concat(frames)

    def _networks(self) -> Any:
        return self._moments(
            [[one.scores] for one in self._dependences()],
            lambda one, rows: {"weight": ([], "number")} | score_columns(rows[0], self._names, one.weights),
        )

    def _links(self) -> Any:
        return self._moments(
            [list(one.links) for one in self._dependences()],
            lambda one, rows: {
                "outside": ([link.outside for link in rows], "int"),
                "outside_name": (self._called(link.outside for link in rows), "text"),
                "inside": ([link.inside for link in rows], "int"),
                "inside_name": (self._called(link.inside for link in rows), "text"),
                "share": ([link.share for link in rows], "share"),
                "reached": ([link.reached for link in rows], "number"),
                "peers": ([link.peers for link in rows], "int"),
            },
        )

    def _failures(self) -> Any:
        return self._moments(
            [list(one.reliance) for one in self._dependences()],
            lambda one, rows: {
                "asn": ([each.asn for each in rows], "int"),
                "name": (self._called(each.asn for each in rows), "text"),
                "lost": ([each.lost for each in rows], "number"),
                "only": ([each.only for each in rows], "number"),
                "visible": ([each.visible for each in rows], "number"),
                "share": ([each.share for each in rows], "share"),
            },
        )

    def _changes(self) -> Any:
        found = self._found
        rows: list[tuple[Any, ...]] = []
        for change in found.changes:
            kind = "voters" if change.by_voters else "lost" if change.lost else "back" if change.back else "moved"
            said = (change.before, change.after, len(change.units), found.slash24_of(change), None)
            rows.append((change.first_us, change.last_us, kind, *said))
        for one in found.shares:
            kind = "rose" if one.up else "fell"
            rows.append((one.since_us, one.time_us, kind, None, one.outside, None, None, one.share))
        rows.sort(key=lambda row: (row[0], row[1]))
        names = ("time", "until", "kind", "from", "to", "prefixes", "slash24", "share")
        columns = {name: [row[k] for row in rows] for k, name in enumerate(names)}
        return _frame(
            {
                "time": (columns["time"], "time"),
                "until": (columns["until"], "time"),
                "when": ([found.when(row[1]) for row in rows], "text"),
                "kind": (columns["kind"], "text"),
                "from": (columns["from"], "int"),
                "from_name": (self._called(columns["from"]), "text"),
                "to": (columns["to"], "int"),
                "to_name": (self._called(columns["to"]), "text"),
                "prefixes": (columns["prefixes"], "int"),
                "slash24": (columns["slash24"], "int"),
                "share": (columns["share"], "share"),
            }
        )

    def worst_withdrawals(self) -> Any:
        """Those of the worst loss alone."""
        return self._withdrawals(() if self._found.worst is None else (self._found.worst,))

    def _withdrawals(self, losses: Sequence[Loss] | None = None) -> Any:
        chosen = self._found.losses if losses is None else losses
        rows = [(loss, n, one) for loss in chosen for n, one in enumerate(loss.let_go, 1)]
        peers = [one.session.split(" ") for _, _, one in rows]
        return _frame(
            {
                "loss": ([loss.change.first_us for loss, _, _ in rows], "time"),
                "back": ([loss.back_us for loss, _, _ in rows], "time"),
                "order": ([n for _, n, _ in rows], "int"),
                "turned": ([one.turned_us if one.turned_us > 0 else None for _, _, one in rows], "time"),
                "first": ([one.first_us for _, _, one in rows], "time"),
                "last": ([one.last_us for _, _, one in rows], "time"),
                "collector": ([peer[0] for peer in peers], "text"),
                "peer_asn": ([int(peer[1][2:]) for peer in peers], "int"),
                "peer": ([peer[2] for peer in peers], "text"),
                "prefixes": ([one.prefixes for _, _, one in rows], "int"),
                "path": ([one.before for _, _, one in rows], "text"),
                "last_path": ([one.last for _, _, one in rows], "text"),
            }
        )

    def _others(self) -> Any:
        rows = self._found.others
        return _frame(
            {
                "asn": ([one.origin for one in rows], "int"),
                "name": (self._called(one.origin for one in rows), "text"),
                "prefixes": ([one.prefixes for one in rows], "int"),
                "lost": ([one.lost for one in rows], "int"),
                "moved": ([one.moved for one in rows], "int"),
            }
        )

    def _called(self, asns: Iterable[int | None]) -> list[str]:
        return [self._names.get(asn or 0, "") for asn in asns]


def score_columns(
    scores: Scores, names: Mapping[int, str], weights: Mapping[int, float] | None = None
) -> dict[str, tuple[list[Any], str]]:
    """Columns of scores, one row for each scope and AS."""
    scope, asn = scores.scope.tolist(), scores.asn.tolist()
    peers = dict(zip(scores.scopes.tolist(), scores.peers.tolist(), strict=True))
    out = {
        "origin": (scope, "int"),
        "origin_name": ([names.get(one, "") for one in scope], "text"),
        "peers": ([peers[one] for one in scope], "int"),
        "asn": (asn, "int"),
        "name": ([names.get(one, "") for one in asn], "text"),
        "hegemony": (scores.value.tolist(), "share"),
    }
    return out if weights is None else {"weight": ([weights.get(one, 0.0) for one in scope], "number"), **out}


def score_frame(scores: Scores, names: Mapping[int, str]) -> Any:
    """The same as a frame."""
    return _frame(score_columns(scores, names))


def _frame(columns: Mapping[str, tuple[list[Any], str]]) -> Any:
    import polars as pl

    kinds = {"int": pl.Int64, "text": pl.String, "share": pl.Float64, "number": pl.Float64, "time": pl.Int64}
    frame = pl.DataFrame({name: pl.Series(name, rows, kinds[kind]) for name, (rows, kind) in columns.items()})
    times = [name for name, (_, kind) in columns.items() if kind == "time"]
    return frame.with_columns(pl.col(times).cast(pl.Datetime("us", "UTC"))) if times else frame

"""A report.json made here: one day with one outage of North Korea and its relapses."""

from typing import Any

ATTACKS = [
    {
        "entity": "KP",
        "type": "denial-of-service",
        "first": "2014-12-18T03:00:00Z",
        "peak": "2014-12-20T12:00:00Z",
        "last": "2014-12-22T20:00:00Z",
    }
]


def when(early: str, best: str, late: str) -> dict[str, str]:
    return {"earliest": early, "best": best, "latest": late, "reason": "votes"}


def report(**changes: Any) -> dict[str, Any]:
    outage = {
        "onset": when("2014-12-22T16:06:39Z", "2014-12-22T16:14:55Z", "2014-12-22T16:15:00Z"),
        "dark": {
            "from": when("2014-12-22T16:14:00Z", "2014-12-22T16:15:00Z", "2014-12-22T16:16:00Z"),
            "until": when("2014-12-23T01:45:39Z", "2014-12-23T01:46:00Z", "2014-12-23T01:46:10Z"),
        },
        "end": when("2014-12-23T01:45:39Z", "2014-12-23T01:46:19Z", "2014-12-23T01:47:30Z"),
        "duration_seconds": 34284.0, "depth": 1.0, "relapses": 2, "stable": False, "score": 9.5,
        "phases": [{"phase": "degrading", "from": "2014-12-20T01:48:00Z", "until": "2014-12-22T16:14:55Z"}],
    }  # fmt: skip
    document = {
        "schema": "duskwatch.report/1",
        "entity": {"type": "country", "code": "KP", "name": "North Korea"},
        "window": {"from": "2014-12-18T00:00:00Z", "until": "2014-12-29T00:00:00Z"},
        "coverage": {"watched_share": 1.0, "unwatched": []},
        "outages": [outage],
        "transit": [
            {
                "upstream": 4837,
                "name": "China Unicom, CN",
                "from": "2014-12-18T00:00:00Z",
                "until": "2014-12-29T00:00:00Z",
                "share": 1.0,
            }
        ],
        "attacks": [],
        "sites": [],
        "hypotheses": [],
        "as_names": {"4837": "China Unicom, CN", "131279": "STAR-KP"},
        "time_zone": "Asia/Pyongyang",
    }
    return document | changes

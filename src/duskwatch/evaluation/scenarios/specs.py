"""What the signals of the scenarios mean."""

from duskwatch.records.signals import PROBING, TELESCOPE, TRAFFIC, VISIBLE_SLASH24, SignalSpec

ROUTES = VISIBLE_SLASH24
UP = SignalSpec("probing.slash24_up", PROBING, "reach", "/24s", "mean", less_is_loss=True)
SOURCES = SignalSpec("telescope.sources", TELESCOPE, "arriving", "sources", "count", less_is_loss=True)
SEARCHES = SignalSpec("google.traffic", TRAFFIC, "passive", "", "mean", less_is_loss=True)
BY_NAME = {spec.name: spec for spec in (ROUTES, UP, SOURCES, SEARCHES)}

"""Colours of charts and page, light and dark. Tints of the Okabe-Ito set, told apart with any kind of colour vision.

A chart is drawn once, in the light colours; in a page each of these becomes a CSS variable with the light colour as
its fallback, so that the same drawing follows the reader's preference.
"""

import re
from typing import NamedTuple


class Ink(NamedTuple):
    """A colour in both themes. Light values are all different: the drawing is recoloured by them."""

    light: str
    dark: str


INKS = {
    "paper": Ink("#fefefe", "#14161a"),
    "text": Ink("#1c1e22", "#e8e8ea"),
    "muted": Ink("#585e68", "#a9b0bb"),
    "faint": Ink("#6c727c", "#8f96a2"),
    "rule": Ink("#d5d8dd", "#3a3f48"),
    "level": Ink("#0072b2", "#6cb8ec"),
    "area": Ink("#dce8f2", "#22384a"),
    "lost": Ink("#f7e6d9", "#3b2a20"),  # behind the level, what is missing in phases in which something is left
    "blind": Ink("#b0b0b4", "#4d5056"),  # drawn as a hatch of the next two
    "hatch": Ink("#a4a6ab", "#5d616a"),
    "hatch_ground": Ink("#f1f1f3", "#1f2228"),
    "gap": Ink("#8a8d93", "#8d9199"),
    "degrading": Ink("#f4e07a", "#94761a"),
    "dark": Ink("#211d2b", "#020203"),
    "dark_edge": Ink("#211d2c", "#9aa0ab"),  # an outline, so that the dark shows on a dark page
    "partial": Ink("#e9a26c", "#a8653a"),
    "recovering": Ink("#7edcb4", "#2f9a7c"),
    "unstable": Ink("#d8a8da", "#96487a"),
    "restored": Ink("#d3ebe0", "#22463a"),
    "on_dark": Ink("#fdfdff", "#f2f2f5"),
    "state_visible": Ink("#86bfe0", "#2c5f80"),
    "state_minority": Ink("#e69f00", "#e0a526"),
    "state_dark": Ink("#221e2d", "#030304"),
    "state_unknown": Ink("#d0d1d3", "#3d4046"),
    "announce": Ink("#009e73", "#38b891"),
    "withdraw": Ink("#d55e00", "#ec8440"),
}

LIGHT = {name: ink.light for name, ink in INKS.items()}
PHASES = ("degrading", "partial", "dark", "recovering", "unstable", "restored")
STATES = ("visible", "minority", "dark", "unknown")

_NAME_OF = {ink.light: name for name, ink in INKS.items()}
_COLOUR = re.compile(r'"(#[0-9a-f]{6})"')


def themed(svg: str) -> str:
    """An SVG drawn in light colours, with each of ours as a CSS variable."""

    def variable(match: re.Match[str]) -> str:
        name = _NAME_OF.get(match[1])
        return f'"var(--{name.replace("_", "-")},{match[1]})"' if name else match[0]

    return _COLOUR.sub(variable, svg)


def css_variables(dark: bool) -> str:
    """Declarations of every colour in one theme."""
    return "".join(f"--{name.replace('_', '-')}:{ink.dark if dark else ink.light};" for name, ink in INKS.items())

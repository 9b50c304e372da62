"""The section "What was said" of a page, and that section as a page of its own. Text from outside is escaped."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import duskwatch
from duskwatch.publication.draw import svg
from duskwatch.publication.palette import css_variables, themed
from duskwatch.publication.said_chart import statements_chart
from duskwatch.publication.said_words import counts, rows
from duskwatch.records.claim import Said

MOST_ROWS = 200
MOST_SHARED = 12


def section(said: Said) -> Markup:
    """The section, for a page that has the colours of `palette` as CSS variables."""
    listed = rows(said)
    wide, narrow = statements_chart(said), statements_chart(said, narrow=True)
    stories = [
        {
            "number": story.number,
            "articles": [said.articles[number] for number in story.articles],
            "first": said.articles[story.first],
            "shared": story.shared[:MOST_SHARED],
            "more": max(0, len(story.shared) - MOST_SHARED),
            "by": story.joined_by,
        }
        for story in said.stories
        if len(story.articles) > 1
    ]
    text = _environment().get_template("said.html.j2").render(
        rows=listed[:MOST_ROWS],
        left_out=max(0, len(listed) - MOST_ROWS),
        summary=counts([row.verdict for row in listed]),
        articles=said.articles,
        stories=stories,
        about=said.about,
        wide=None if wide is None else Markup(themed(svg(wide, "said"))),
        narrow=None if narrow is None else Markup(themed(svg(narrow, "said-n"))),
    )  # fmt: skip
    return Markup(text)  # autoescape was on


def page(said: Said) -> str:
    """The section as one page that asks nothing of any network."""
    return _environment().get_template("said_page.html.j2").render(
        section=section(said),
        title=f"What was said about {said.about}" if said.about else "What was said",
        version=duskwatch.__version__,
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
    )  # fmt: skip


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("duskwatch.publication", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip

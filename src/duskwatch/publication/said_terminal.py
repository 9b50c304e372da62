"""What was said, on a terminal; plain text where it is piped, so that it pastes well."""

from textwrap import fill

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from duskwatch.publication.said_words import Row, counts, rows
from duskwatch.records.claim import Said

STYLES = {"supported": "green", "contradicted": "red", "partly": "yellow", "not measured": "dim", "not testable": "dim"}
MOST_SHARED = 5


def print_said(said: Said, console: Console) -> None:
    """Stories first, then each claim with its verdict. Wraps to the console's width."""
    plain = not console.is_terminal or console.no_color
    for story in said.stories:
        if len(story.articles) < 2:
            continue
        first = said.articles[story.first]
        names = ", ".join(clean(said.articles[number].file) for number in story.articles)
        why = f"{len(story.shared)} sentences are shared word for word" if story.shared else "they make the same claims"
        first_named = f" First: {clean(first.file)}." if first.published_us is not None else ""
        console.print(Text(f"Story {story.number}: {names} are one story, {why}.{first_named}", style="bold"))
        for text in story.shared[:MOST_SHARED]:
            console.print(Text(f"  = {clean(text)}"), soft_wrap=False)
        if len(story.shared) > MOST_SHARED:
            console.print(f"  and {len(story.shared) - MOST_SHARED} more")
        console.print()
    listed = rows(said)
    if not listed:
        console.print("No claim about an outage was found in this text.")
    elif plain:
        _print_plain(listed, console)
    else:
        console.print(_table(listed))
    verdicts = [row.verdict for row in listed]
    console.print(Text(f"{len(listed)} claims: {counts(verdicts)}." if listed else ""))


def _print_plain(listed: list[Row], console: Console) -> None:
    for row in listed:
        also = f" (and {row.also} more of this story)" if row.also else ""
        width = max(40, console.width)
        print_at(console, f"{row.verdict.upper():<13}{clean(row.said)}", width)
        print_at(console, f"{'':<13}said by {clean(row.who)}, {row.when}{also}", width)
        print_at(console, f"{'':<13}{clean(row.measured)}", width)
        print_at(console, f'{"":<13}"{clean(row.sentence)}"', width)
        console.print()


def print_at(console: Console, text: str, width: int) -> None:
    """One paragraph, its later lines under its first."""
    console.print(Text(fill(text, width, subsequent_indent=" " * 13, break_on_hyphens=False)), soft_wrap=True)


def _table(listed: list[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in ("Said", "By", "Verdict", "Measured"):
        table.add_column(head, overflow="fold")
    for row in listed:
        also = f"\n+{row.also} of this story" if row.also else ""
        table.add_row(
            Text(clean(row.said)),
            Text(f"{clean(row.who)}\n{row.when}{also}"),
            Text(row.verdict, style=STYLES[row.verdict]),
            Text(clean(row.measured)),
        )
    return table


def clean(text: str) -> str:
    """No character in it that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)

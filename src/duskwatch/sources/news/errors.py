"""What goes wrong with a text, in one line that says what to do."""

from duskwatch.records.errors import InputError


class NewsError(InputError):
    """A text that cannot be read as an article, feed or statement."""

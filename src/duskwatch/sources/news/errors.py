"""What goes wrong with a text, in one line that says what to do."""


class NewsError(ValueError):
    """A text that cannot be read as an article, feed or statement."""

"""What other people published about an outage: articles, and the checkable claims in them.

A claim is evidence of nothing by itself. Only what a measurement says about a claim may weigh anything, and that is
kept apart, in ``Checked``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "onset", "end", "duration", "state", "share", "site", "dependence", "attack", "cause", "impact", "refusal"
]
KINDS: tuple[Kind, ...] = (
    "onset", "end", "duration", "state", "share", "site", "dependence", "attack", "cause", "impact", "refusal",
)  # fmt: skip
Modality = Literal["asserted", "hedged", "denied", "ruled out", "refused"]
MODALITIES: tuple[Modality, ...] = ("asserted", "hedged", "denied", "ruled out", "refused")
Verdict = Literal["supported", "contradicted", "partly", "not testable", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("supported", "contradicted", "partly", "not testable", "not measured")
STATES = ("offline", "degraded", "partial", "unstable", "restored", "normal")
CAUSES = ("attack", "power", "cable", "government", "exam", "fault", "disaster", "maintenance", "unknown")


@dataclass(frozen=True, slots=True)
class Article:
    """One text as read: an article, an item of a feed, a statement entered by hand.

    ``text`` is what offsets of claims count in: the whole text of a plain file, headers included, and the extracted
    text of HTML and feeds. Claims are looked for from ``body`` on.
    """

    file: str  # as given by the user
    text: str
    title: str = ""
    published_us: int | None = None  # microseconds since the epoch; midnight UTC where only the day is known
    day_only: bool = False
    outlet: str = ""
    language: str = "en"
    speaker: str = ""  # of a statement as a whole: whose words these are
    body: int = 0
    notes: tuple[str, ...] = ()  # what the reader left out or repaired, in sentences


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable thing that one sentence of one article says. ``value`` has the shape of its kind."""

    article: int  # index of the article
    kind: Kind
    entity: str | None  # country code, AS number, site, or a network's name as written; None: nobody is named
    value: Any
    speaker: str | None  # None: the outlet itself
    modality: Modality
    sentence: str
    start: int  # characters into ``Article.text``: text[start:end] is the sentence
    end: int
    confidence: float  # 0 to 1: how plainly the sentence says it, not how true it is


@dataclass(frozen=True, slots=True)
class Checked:
    """A claim beside what was measured. ``measured`` is None where there is nothing to show."""

    claim: Claim
    verdict: Verdict
    measured: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """Articles of one origin. ``shared`` are sentences that two or more of them have word for word."""

    number: int
    articles: tuple[int, ...]
    first: int  # index of the article that was published first, as far as dates tell
    shared: tuple[str, ...] = ()
    joined_by: str = ""  # sentences, claims, or empty for an article of its own


@dataclass(frozen=True, slots=True)
class Said:
    """Everything read, extracted and checked in one call."""

    articles: tuple[Article, ...]
    claims: tuple[Checked, ...]
    stories: tuple[Story, ...]
    notes: tuple[str, ...] = ()  # what a reader should know about this reading, in sentences
    about: str = ""  # name of what was measured; '' where nothing was given to compare with
    outages: tuple[tuple[int, int, float], ...] = ()  # measured: from, until (the window's end while it lasts), depth

    def story_of(self, article: int) -> int:
        """Number of the story that an article belongs to."""
        return next((story.number for story in self.stories if article in story.articles), article)


@dataclass(frozen=True, slots=True)
class Place:
    """What a name means: a country, and the time zone there ('' where none is known)."""

    country: str
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Names of places as people write them, and networks known by name. Names are matched with their capitals."""

    names: Mapping[str, Place] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)  # country code to IANA zone of its capital
    networks: Mapping[str, str] = field(default_factory=dict)  # name of a network to AS131279

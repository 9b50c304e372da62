"""Which country or network a claim is about: what its sentence names, else what was spoken of before."""

import re

from duskwatch.explanation.claims.places import Mention
from duskwatch.explanation.claims.scene import Draft, Scene

_TO_OTHER_PLACE = re.compile(
    r"(?:\b(?:through|via|from|by|unlike|than|neighbou?ring|with|to|toward|towards|between"
    r"|over|near|border of|into|like|including)|\boutside)(?: the)? $"
)
_SUBJECT_COUNTRY = re.compile(
    r"\b(?:the|that|this) (?:country|nation|island|islands|kingdom|republic|territory"
    r"|state|archipelago|capital)(?:'s)?\b"
)
_SUBJECT_NETWORK = re.compile(
    r"\b(?:the|this|that) (?:operator|provider|carrier|company|firm|isp|network|incumbent"
    r"|telecoms? \w+)(?:'s)?\b|\bits (?:networks?|customers|subscribers|routes|prefixes"
    r"|users|backbone|core)\b|\bour (?:networks?|customers|subscribers|services?|users)\b"
)


_ASIDE = re.compile(  # "which buys its bandwidth in Ethiopia"
    r", (?:which|who|whose|where)\b[^,]*\b(?:buys?|leases?|rents?|lands?|passes|borders?|comes|goes|ends|leads)\b[^,]*$"
)
_OWN_NET = re.compile(
    r"(?:'s?)? (?:[\w-]+ ){0,2}?(?:traffic|internet|connectivity|networks?|routes?|prefixes|capacity|bandwidth"
    r"|connections?|service|users|customers)\b"
)


def entity_of(scene: Scene, draft: Draft) -> str | None:
    """The entity of a draft: a country code, an AS number or a name as written; None where nothing tells."""
    if draft.kind == "refusal":
        return scene.country or scene.focus
    if scene.there and re.search(r"\bthere\b", scene.low) and not any(counts(scene, one) for one in scene.mentions):
        return scene.there
    if draft.kind == "cause":  # who is accused is no place that is out
        for one in scene.mentions:
            if (
                one.kind == "country"
                and re.fullmatch(r"\W*(?:(?:meanwhile|but|and|also)\W+)?in (?:the )?", scene.low[: one.start])
                and counts(scene, one)
            ):
                return one.entity  # "In Cuba, a grid collapse ..."
            if one.start == 0 and scene.low[one.end : one.end + 1] == ":":
                return one.entity
            near = scene.low[one.end : one.end + 34]
            if counts(scene, one) and (
                re.match(
                    r"(?:'s?)? (?:[\w'-]+ ){0,2}?(?:internet|connectivity|network|networks|outage|blackout"
                    r"|shutdown|disconnection|disruption|customers|traffic|routes|service)\b",
                    near,
                )
                or (
                    one.kind != "people"
                    and re.search(
                        r"\b(?:internet|outage|blackout|shutdown|disruption|connectivity|service|access"
                        r"|network)s? (?:in|of|across|throughout|at|to|on) (?:the )?$",
                        scene.low[: one.start],
                    )
                )
            ):
                return one.entity
        return scene.focus or scene.country
    if draft.kind == "dependence":
        if scene.network and re.search(
            r"\bits (?:\w+ )?(?:traffic|routes|capacity|transit|bandwidth|links)\b", scene.low
        ):
            return scene.network
        carried = [
            one
            for one in scene.mentions
            if one.end <= draft.at and one.kind != "people" and scene.outside_speech(one.start, one.end)
        ]
        return carried[-1].entity if carried else scene.country or scene.focus
    begin, until = scene.region(draft.at)
    low = scene.low
    outside = [one for one in scene.mentions if counts(scene, one)]
    inside = [one for one in outside if begin <= one.start < until]
    for pool in (inside, outside):
        before = [one for one in pool if one.end <= draft.at + 1]
        after = [one for one in pool if one.start > draft.at]
        head = low[begin : draft.at]
        if pool is inside and not before:
            if draft.kind not in ("cause", "refusal") and _SUBJECT_NETWORK.search(head) and scene.network:
                return scene.network
            if _SUBJECT_COUNTRY.search(head) and scene.country and not any(one.kind == "country" for one in after[:1]):
                return scene.country
        if pool is outside:  # a place in another clause is not what this one is about
            after = [
                one
                for one in after
                if not re.search(r"\b(?:because|after|while|but|as|since|although)\b", low[draft.at : one.start])
            ]
        chosen = _choose(scene, before, after, draft)
        if chosen is not None:
            return chosen.entity
    if (
        re.search(r"\b(?:its|it|the (?:operator|company|provider|carrier|network|firm))\b", low[begin : draft.at])
        and scene.network
        and scene.focus == scene.network
    ):
        return scene.network
    voice = scene.voice_at(draft.at)
    if voice is not None:  # "Ethiopia's operator describes its service as normal"
        in_phrase = [
            one
            for one in scene.mentions
            if voice.phrase[0] <= one.start < voice.phrase[1]
            and one.kind == "country"
            and not _ASIDE.search(scene.low[: one.start])
        ]
        if in_phrase and re.search(
            r"\b(?:operator|provider|carrier|customer|user|resident|subscriber|people|network|compan"
            r"|client|isp|telecom)",
            voice.speaker.lower(),
        ):
            return in_phrase[0].entity
    return scene.focus or scene.country


def _choose(scene: Scene, before: list[Mention], after: list[Mention], draft: Draft) -> Mention | None:
    subject = [one for one in before if _OWN_NET.match(scene.low, one.end)]
    if subject and draft.at - subject[-1].end < 60:
        return subject[-1]  # "Portuguese traffic was down by ..."
    networks = [one for one in before if one.kind in ("network", "asn")]
    if networks:
        return networks[-1]
    countries = [one for one in before if one.kind == "country"]
    if countries:
        return countries[-1]
    placed = [
        one
        for one in after
        if one.kind in ("network", "asn", "country")
        and re.search(
            r"\b(?:in|across|throughout|of|on|at|to|over|hit|struck|for|against|left|cut|affect\w*"
            r"|within|parts of|inside|took|knocked|all of|much of|most of|disconnect\w*|plunged"
            r"|between|is|with|from)(?: the| all| much| most| parts| of| nearly| almost| whole"
            r"| entire)* $",
            scene.low[max(0, one.start - 40) : one.start],
        )
    ]
    if placed:
        return placed[0]
    if after and after[0].kind != "people":
        return after[0]
    people = [
        *reversed([one for one in before if one.kind == "people"]),
        *[one for one in after if one.kind == "people"],
    ]
    return people[0] if people else None


def counts(scene: Scene, one: Mention) -> bool:
    """Whether a mention can be what is out: not a speaker, not a place that only lies beside or on the way."""
    if not scene.outside_speech(one.start, one.end):
        return False
    head = scene.low[max(0, one.start - 24) : one.start]
    if _TO_OTHER_PLACE.search(head) and not re.search(
        r"\b(?:in|across|over in|throughout) (?:the )?neighbou?ring (?:the )?$|\b(?:internet|access|service|services"
        r"|connectivity|links|connections?|traffic"
        r"|returned|restored) (?:from|to|with|into|over|by) $",
        head,
    ):
        return False
    if _ASIDE.search(scene.low[: one.start]):
        return False
    tail = scene.low[one.end : one.end + 30]
    if one.kind == "people" and re.match(
        r" (?:government|president|officials?|ministry|minister|foreign|army|firm|company"
        r"|company's|researchers?|analysts?|experts?|diplomats?|authorities|embassy|capital"
        r"|news|agency|newspaper|study|ambassador|monitor|university|troops|police)\b",
        tail,
    ):
        return False
    return not re.match(r"(?:-based| time\b)", tail)

"""Names as sentences use them: of the entity, and of operators (ASes)."""

from duskwatch.records.entity import Entity
from duskwatch.records.report import Report

MOST_TITLE = 60  # characters of a name
WITH_ARTICLE = frozenset({"Bahamas", "Comoros", "Gambia", "Maldives", "Netherlands", "Philippines", "Seychelles"})
WITH_ARTICLE_ENDS = ("Islands", "Republic", "Territories", "Territory", "Emirates", "States")


def place_name(report: Report) -> str:
    """The entity in the middle of a sentence: ``North Korea``, ``the Philippines``, ``AS131279 (STAR-KP Star JV)``."""
    entity = report.entity
    if entity.type == "asn":
        return f"{entity.code} ({cut(entity.name)})" if entity.name and entity.name != entity.code else entity.code
    name = entity.name or entity.code
    article = name in WITH_ARTICLE or name.endswith(WITH_ARTICLE_ENDS) or name.startswith(("United ", "Isle of "))
    return f"the {name}" if article and entity.type == "country" else name


def has_code(report: Report) -> str:
    """The same with the code of a country: ``North Korea (KP)``."""
    entity = report.entity
    name = place_name(report)
    return f"{name} ({entity.code})" if entity.type == "country" and entity.name not in ("", entity.code) else name


def as_name(report: Report, asn: int) -> str:
    """``AS4837 (China Unicom, CN)``, or the number alone."""
    name = report.as_names.get(asn, "")
    return f"AS{asn} ({cut(name)})" if name else f"AS{asn}"


def as_text(report: Report, entity: Entity) -> str:
    """``AS30990 Djibouti Telecom``, or the number alone."""
    name = report.as_names.get(entity.asn, "") if entity.type == "asn" else entity.name
    return f"{entity.code} {cut(name)}" if name else entity.code


def cut(name: str) -> str:
    """A name, shortened where it is very long."""
    return name if len(name) <= MOST_TITLE else f"{name[: MOST_TITLE - 1]}…"

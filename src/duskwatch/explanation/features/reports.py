"""What others published: a power failure, a cable fault, an order. What is published is not always so."""

from duskwatch.explanation.feature import Feature, yes_no

SAID = ("reported", "none-found")


def _reported(name: str, title: str, shows: str, limits: str) -> Feature:
    fact = f"reports.{name}"
    return Feature(f"{name}-report", title, f"report-{name}", (fact,), SAID, yes_no(fact, *SAID), shows, limits)


FEATURES = (
    _reported(
        "power",
        "Did a utility, or anybody who saw it, report a power failure?",
        "A power failure at that time and place.",
        "Few utilities publish; a report may describe the outage it tries to explain.",
    ),
    _reported(
        "cable",
        "Did an operator report a cable fault?",
        "A fault on a cable that the country uses.",
        "Operators call many things a cable fault.",
    ),
    _reported(
        "order",
        "Was an order to cut the Internet published or admitted?",
        "An order, a law, a regulator's or an operator's notice.",
        "Most shutdowns are admitted by nobody.",
    ),
    _reported(
        "exam",
        "Were national exams held at that time?",
        "An exam timetable that names that day.",
        "Exams are held in most countries without any shutdown.",
    ),
    _reported(
        "disaster",
        "Was there an earthquake, a storm or a flood?",
        "An event in the area shortly before.",
        "Weather happens every day.",
    ),
    _reported(
        "maintenance",
        "Was maintenance announced?",
        "A notice of works in that window.",
        "Works on one network do not take a country down.",
    ),
)

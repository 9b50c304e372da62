"""Shutdown during exams."""

from duskwatch.explanation.hypothesis import Hypothesis

EXAM_SHUTDOWN = Hypothesis(
    "exam-shutdown",
    "Shutdown during exams",
    "The same hours of the clock on exam days, for weeks; never longer than a day.",
    ("onset-clock", "recurrence", "exam-report"),
    kind="ordered",
)

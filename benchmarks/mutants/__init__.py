"""A seeded sample of small faults put into the code, one at a time: which of them do the tests notice?

cosmic-ray (MIT) finds the places and makes the mutants; this package samples them, picks the tests that cover a module,
and counts. docs/how-to/run-mutants.md says how to use it and what was measured.
"""

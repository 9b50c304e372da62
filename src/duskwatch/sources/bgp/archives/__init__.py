"""Public archives of routing data: which files a window needs, where they lie, and fetching them.

``collectors.py`` names the collectors, ``names.py`` reads times in file names, ``layout.py`` knows folders and
cadence; ``catalogue.py`` asks a server or a folder what there is, ``plan.py`` chooses, ``fetch.py`` fetches. To add a
project: one Layout, its collectors, rows in the tests.
"""

"""Files from HTTP servers into a local cache: resumed, retried, checked, bounded in size.

``transfer.py`` fetches one file, ``session.py`` speaks HTTP and says what may be tried again, ``cache.py`` knows where
files lie and which may go, ``listing.py`` reads index pages, ``checksum.py`` and ``integrity.py`` say whether a file is
whole. Nothing here knows what the files mean.
"""

"""BGP data: which archives there are, which files a window needs, and how bytes decode (formats)."""

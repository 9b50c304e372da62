"""How bytes arrive: files, compressed or plain."""

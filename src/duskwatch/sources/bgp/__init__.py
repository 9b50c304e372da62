"""BGP data: how bytes arrive (transports) and how they decode (formats)."""

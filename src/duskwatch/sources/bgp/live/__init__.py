"""Feeds of routes as they happen: RIS Live, routers that speak BMP, and Kafka topics with OpenBMP's raw messages."""

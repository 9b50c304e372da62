"""Documented re-enactments: facts with their sources, and the generator that turns them into archives."""

"""The shared nouns: what stages hand to each other. Imports nothing of ours."""

"""How good the detectors are, and how fast ours is: `python -m benchmarks.quality`."""

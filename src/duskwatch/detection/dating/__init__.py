"""When a loss began and ended, each moment an interval with its reason: by votes to the second, or by bins."""

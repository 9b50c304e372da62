"""One window wired together: replay, one entity, whole tables, foreign series. No file format, no exit code."""

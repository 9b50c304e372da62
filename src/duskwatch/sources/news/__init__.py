"""Articles, feeds and statements into `Article` records. Everything here treats its input as hostile."""

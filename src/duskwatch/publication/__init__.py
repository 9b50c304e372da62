"""A report into what people read: text, JSON, pages, charts."""

"""Wire formats into blocks of elems, and elems into text."""

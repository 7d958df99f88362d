"""Languages: names, extensions, and telling one from the text alone. Pure."""

"""Parsers that run inside of Python: in a worker process of their own, because the text may be made to hurt them."""

"""From the raw text of an answer to blocks of code. Pure."""

"""Code that parses, yet ends before it does what it is for. Pure."""

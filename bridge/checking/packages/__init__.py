"""The packages that an answer imports: which are known, which the project declares, and which nobody knows."""

"""Models: which there are, fetching them, and which one fits."""

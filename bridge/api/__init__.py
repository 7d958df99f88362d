"""The Python door: `Bridge` and what it gives back."""

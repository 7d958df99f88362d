"""Other people's programs, and programs over other people's text, under limits."""

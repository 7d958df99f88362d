"""Patches in an answer: unified diffs, git's, and search/replace blocks, as values and applied to texts. Pure."""

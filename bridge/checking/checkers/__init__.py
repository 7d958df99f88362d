"""Checkers: one file a family of languages; `registry` lists them all."""

"""The version of the package: said here only. `pyproject.toml` reads this file."""

__version__ = "0.1.0"

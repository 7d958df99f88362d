"""The command line. Each command parses, calls one function, prints, and sets the exit code."""

from bridge.cli.app import main

__all__ = ["main"]

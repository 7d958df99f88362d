"""The package as a wheel, made from itself: what `bridge init` puts beside a queue, for a machine without it.

A wheel of plain Python can be installed by pip and imported as it is (`sys.path`). Always the same bytes for the same
package: fixed dates, sorted names. Holds the modules and their metadata, nothing else of this machine.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path

from bridge.core.version import __version__

#: What goes along; caches, notes and whatever else lies in the folder does not.
_SUFFIXES = (".py", ".json", ".txt", "py.typed")
_INFO = f"qwen_bridge-{__version__}.dist-info"

NAME = f"qwen_bridge-{__version__}-py3-none-any.whl"


def build() -> bytes:
    """The bytes of the wheel."""
    files = dict(_modules(resources.files("bridge"), "bridge"))
    if "bridge/queue_schema.json" not in files:  # a source tree has it at the top
        files["bridge/queue_schema.json"] = Path(__file__).parents[2].joinpath("queue_schema.json").read_bytes()
    files[f"{_INFO}/METADATA"] = _metadata().encode()
    files[f"{_INFO}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: qwen-bridge\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{_INFO}/entry_points.txt"] = (
        b"[console_scripts]\nbridge = bridge.cli:main\n\n"
        b"[papermill.engine]\nqwen-bridge = bridge.papermill.engine:QwenBridgeEngine\n"
    )
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in sorted(files.items()))
    files[f"{_INFO}/RECORD"] = f"{record}{_INFO}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name)  # dated 1980, so that nothing of the day or the machine is in it
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _modules(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                found += _modules(entry, name)
        elif entry.name.endswith(_SUFFIXES):
            found.append((name, entry.read_bytes()))
    return found


def _metadata() -> str:
    lines = ["Metadata-Version: 2.1", "Name: qwen-bridge", f"Version: {__version__}", "Requires-Python: >=3.11"]
    return "\n".join([*lines, *(f"Requires-Dist: {requirement}" for requirement in _requirements())]) + "\n"


def _requirements() -> list[str]:
    """What the package itself needs; extras stay behind, as a worker needs none."""
    try:
        listed = metadata.requires("qwen-bridge") or []
        return [line for line in listed if "extra ==" not in line]
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        import tomllib

        text = Path(__file__).parents[2].joinpath("pyproject.toml").read_text(encoding="utf-8")
        return list(tomllib.loads(text)["project"]["dependencies"])


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()

"""The packages that a caller's project declares, and the modules that it has. Pure but for what `read` does.

Files are read with a limit, and by pattern where a parser could be made to hurt: a manifest says which words are there, no more.
"""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

from bridge.checking.packages.names import prefix
from bridge.checking.patches.patch_set import ReadFile
from bridge.core.errors import UsageError

_MAX_CHARS = 400_000
_DEEPEST = 5

#: What a package of PyPI is imported as, where its name does not tell.
IMPORTED_AS = {
    "pyyaml": "yaml", "pillow": "PIL", "beautifulsoup4": "bs4", "scikit_learn": "sklearn", "scikit_image": "skimage",
    "opencv_python": "cv2", "opencv_python_headless": "cv2", "opencv_contrib_python": "cv2", "python_dateutil": "dateutil",
    "python_dotenv": "dotenv", "pyjwt": "jwt", "pycryptodome": "Crypto", "pycryptodomex": "Cryptodome", "pynacl": "nacl",
    "pyopenssl": "OpenSSL", "mysqlclient": "MySQLdb", "mysql_connector_python": "mysql", "psycopg2_binary": "psycopg2",
    "pyserial": "serial", "pyusb": "usb", "pyzmq": "zmq", "msgpack_python": "msgpack", "protobuf": "google",
    "djangorestframework": "rest_framework", "django_cors_headers": "corsheaders", "django_environ": "environ",
    "python_jose": "jose", "python_multipart": "multipart", "python_docx": "docx", "python_pptx": "pptx",
    "attrs": "attr", "gitpython": "git", "pygithub": "github", "faiss_cpu": "faiss", "faiss_gpu": "faiss",
    "sentencepiece": "sentencepiece", "discord_py": "discord", "python_telegram_bot": "telegram", "pytelegrambotapi": "telebot",
    "biopython": "Bio", "pywin32": "win32api", "python_magic": "magic", "umap_learn": "umap", "imbalanced_learn": "imblearn",
    "google_api_python_client": "googleapiclient", "azure_storage_blob": "azure", "websocket_client": "websocket",
    "levenshtein": "Levenshtein", "python_levenshtein": "Levenshtein", "pymupdf": "fitz", "rpi_gpio": "RPi", "setuptools": "pkg_resources",
    "speechrecognition": "speech_recognition", "dnspython": "dns", "python_ldap": "ldap", "unstructured": "unstructured",
}  # fmt: skip


class Declarations:
    """What a project declares, looked up from the folder of a file upwards; each manifest is read once.

    Args:
        read: gives the text of a file of the project; None: no project is known, and nothing is declared.
    """

    def __init__(self, read: ReadFile | None) -> None:
        self._read = read
        self._texts: dict[str, str | None] = {}
        self._found: dict[str, frozenset[str]] = {}

    def declares(self, family: str, names: tuple[str, ...], path: str | None) -> bool:
        """Whether a manifest above a file names one of these packages, as `beginnings` gives them."""
        return any(
            name in declared
            or name.lower() in declared
            or (family == "java" and any(name.startswith(f"{d}.") for d in declared))
            for declared in (self._declared(folder, family) for folder in _folders(path))
            for name in names
        )

    def has(self, family: str, name: str, path: str | None) -> bool:
        """Whether the project itself has what is imported: a Python module, a folder of its Go module, a path of tsconfig."""
        if family == "python":
            whole, top = name.replace(".", "/"), prefix(family, name)
            files = (f"{top}.py", f"{top}/__init__.py", f"{whole}.py", f"{whole}/__init__.py")
            return any(self._text(f"{base}{file}") for base in (*_folders(path), "src/") for file in files)
        if family == "node":
            return any(name.startswith(alias) for folder in _folders(path) for alias in self._aliases(folder))
        return False

    def _text(self, path: str) -> str | None:
        if self._read is None:
            return None
        if path not in self._texts:
            try:
                self._texts[path] = (self._read(path) or "")[:_MAX_CHARS] or None
            except UsageError:  # a path that must not be read
                self._texts[path] = None
        return self._texts[path]

    def _declared(self, folder: str, family: str) -> frozenset[str]:
        key = f"{family} {folder}"
        if key not in self._found:
            readers = _MANIFESTS[family]
            texts = ((self._text(folder + name), reader) for name, reader in readers.items())
            self._found[key] = frozenset(name for text, reader in texts if text for name in reader(text))
        return self._found[key]

    def _aliases(self, folder: str) -> Iterator[str]:
        for name in ("tsconfig.json", "jsconfig.json"):
            if paths := re.search(r"\"paths\"\s*:\s*\{([^}]*)\}", self._text(folder + name) or ""):
                yield from (key.rstrip("*") for key in re.findall(r"\"([^\"]+)\"\s*:", paths[1]) if key != "*")


def _folders(path: str | None) -> tuple[str, ...]:
    """The folders above a file, the nearest first, each with a `/` at its end; the root is ""."""
    folders = [""]
    for part in posixpath.dirname(path or "").split("/")[:_DEEPEST]:
        if part:
            folders.append(f"{folders[-1]}{part}/")
    return tuple(reversed(folders))


def _requirement(line: str) -> Iterator[str]:
    if match := re.match(r"\s*([A-Za-z0-9][\w.-]*)", line):
        name = re.sub(r"[-_.]+", "_", match[1]).lower()
        yield from {name, re.sub(r"^(?:python|py)_|_(?:python|py)$", "", name), IMPORTED_AS.get(name, name)}


def _requirements(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield from _requirement(line)


def _pyproject(text: str) -> Iterator[str]:
    table = _toml(text)
    project, poetry = _dict(table.get("project")), _dict(_dict(table.get("tool")).get("poetry"))
    groups = [project.get("dependencies"), *_dict(project.get("optional-dependencies")).values()]
    groups += _dict(table.get("dependency-groups")).values()
    for group in groups:
        for line in group if isinstance(group, list) else ():
            yield from _requirement(str(line))
    tables = [poetry, *_dict(poetry.get("group")).values()]
    for name in (n for t in tables for key in ("dependencies", "dev-dependencies") for n in _dict(_dict(t).get(key))):
        yield from _requirement(name)
    yield from _requirement(str(project.get("name") or poetry.get("name") or ""))


def _setup(text: str) -> Iterator[str]:
    for name in re.findall(
        r"(?m)^\s*['\"]?([A-Za-z][\w.-]*)['\"]?\s*(?:\[[^\]\n]*\])?\s*(?:[<>=!~;,'\"][^\n]*)?$", text
    ):
        yield from _requirement(name)
    for name in re.findall(r"['\"]([A-Za-z][\w.-]*)\s*(?:\[[^\]\n]*\])?\s*(?:[<>=!~;][^'\"\n]*)?['\"]", text):
        yield from _requirement(name)


def _package_json(text: str) -> Iterator[str]:
    try:
        table = _dict(json.loads(text))
    except (ValueError, RecursionError):
        return
    for key in ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "imports"):
        yield from _dict(table.get(key))
    yield str(table.get("name") or "")


def _go_mod(text: str) -> Iterator[str]:
    for name in re.findall(r"(?m)^\s*(?:module\s+|require\s+|replace\s+)?([\w~-]+(?:[./][\w.~-]+)*)(?:\s|$)", text):
        yield prefix("go", name)
        yield name


def _cargo(text: str) -> Iterator[str]:
    table = _toml(text)
    tables = [table, _dict(table.get("workspace")), *map(_dict, _dict(table.get("target")).values())]
    for some in tables:
        for key in ("dependencies", "dev-dependencies", "build-dependencies"):
            yield from (name.replace("-", "_") for name in _dict(some.get(key)))
    for key in ("package", "lib"):
        yield str(_dict(table.get(key)).get("name") or "").replace("-", "_")


def _pom(text: str) -> Iterator[str]:
    yield from re.findall(r"<groupId>\s*([\w.-]+)\s*</groupId>", text)


def _gradle(text: str) -> Iterator[str]:
    yield from re.findall(r"['\"]([\w.-]+):[\w.-]+(?::[^'\"\n]*)?['\"]", text)
    yield from re.findall(r"\bgroup\s*[:=]\s*['\"]([\w.-]+)['\"]", text)


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


_MANIFESTS: dict[str, dict[str, Callable[[str], Iterator[str]]]] = {
    "python": {
        "pyproject.toml": _pyproject, "requirements.txt": _requirements, "requirements-dev.txt": _requirements,
        "requirements_dev.txt": _requirements, "dev-requirements.txt": _requirements, "requirements/base.txt": _requirements,
        "requirements/dev.txt": _requirements, "setup.cfg": _setup, "setup.py": _setup, "Pipfile": _setup,
    },
    "node": {"package.json": _package_json},
    "go": {"go.mod": _go_mod},
    "rust": {"Cargo.toml": _cargo},
    "java": {"pom.xml": _pom, "build.gradle": _gradle, "build.gradle.kts": _gradle, "gradle/libs.versions.toml": _gradle},
}  # fmt: skip

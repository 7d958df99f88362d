"""Beside what `make dist` builds: what is in it (an SBOM, CycloneDX 1.6) and where it comes from (provenance, in-toto and SLSA).

    python .ci/supply_chain.py dist

Writes `<name>.cdx.json` and `<name>.provenance.json`, `<name>` being that of the wheel. Facts only: names, versions and licences of this environment's own
metadata, digests of the files, the commit and its date. The same commit, environment and files give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).parents[1]
PROJECT = "qwen-bridge"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def main(folder: Path) -> list[Path]:
    """Write both beside the archives of a folder; gives their paths."""
    archives = sorted(path for path in folder.iterdir() if path.name.endswith((".whl", ".tar.gz")))
    wheel = next((path for path in archives if path.suffix == ".whl"), None)
    if wheel is None:
        raise SystemExit(f"{folder} holds no wheel: run `make dist`")
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in archives}
    version = wheel.name.split("-")[1]
    written = []
    for suffix, facts in (("cdx", sbom(version, digests)), ("provenance", provenance(version, digests))):
        file = folder / f"{wheel.stem}.{suffix}.json"
        file.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        written.append(file)
    return written


def sbom(version: str, digests: dict[str, str]) -> dict[str, object]:
    """The package with everything that it needs, as CycloneDX (https://cyclonedx.org/docs/1.6/json/): extras are `optional`."""
    needed, optional = set(_closure(PROJECT, extras=False)), set(_closure(PROJECT, extras=True))
    ref = f"pkg:pypi/{PROJECT}@{version}"
    components = [_component(name, "required" if name in needed else "optional") for name in sorted(needed | optional)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps([ref, digests, components], sort_keys=True))}",
        "version": 1,
        "metadata": {
            "timestamp": _date(),
            "component": {
                "type": "application", "bom-ref": ref, "name": PROJECT, "version": version, "purl": ref, "licenses": [{"license": {"id": "MIT"}}],
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests.values()],
            },
        },
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": [c["bom-ref"] for c in components if _canonical(str(c["name"])) in set(_direct(PROJECT))]}],
    }  # fmt: skip


def provenance(version: str, digests: dict[str, str]) -> dict[str, object]:
    """Who built what from which commit, as an in-toto statement with SLSA's predicate (https://slsa.dev/spec/v1.0/provenance)."""
    commit = _git("rev-parse", "HEAD")
    tools = {name: metadata.version(name) for name in ("hatchling",)}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in digests.items()],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "python -m hatchling build",
                "externalParameters": {"project": PROJECT, "version": version, "changed_since_commit": bool(_git("status", "--porcelain"))},
                "internalParameters": {"python": platform.python_version(), **tools},
                "resolvedDependencies": [{"name": "source", "digest": {"gitCommit": commit}}] if commit else [],
            },
            "runDetails": {"builder": {"id": "make dist"}, "metadata": {"finishedOn": _date()}},
        },
    }  # fmt: skip


def _component(name: str, scope: str) -> dict[str, object]:
    found = metadata.distribution(name)
    ref = f"pkg:pypi/{_canonical(name)}@{found.version}"
    component: dict[str, object] = {
        "type": "library", "bom-ref": ref, "name": _canonical(name), "version": found.version, "purl": ref, "scope": scope,
    }  # fmt: skip
    licence = found.metadata.get("License-Expression") or found.metadata.get("License") or ""
    if licence and "\n" not in licence:
        component["licenses"] = [{"license": {"name": licence[:100]}}]
    return component


def _closure(name: str, *, extras: bool) -> Iterator[str]:
    """Everything that a package needs, directly or not, as far as it is installed here."""
    seen: set[str] = set()
    waiting = list(_direct(name, extras=extras))
    while waiting:
        each = waiting.pop()
        if each in seen or each == PROJECT:
            continue
        try:
            metadata.distribution(each)
        except metadata.PackageNotFoundError:
            continue  # for another system, or an extra that is not installed
        seen.add(each)
        waiting += _direct(each)
    yield from seen


def _direct(name: str, *, extras: bool = False) -> Iterator[str]:
    for requirement in metadata.requires(name) or []:
        if extras or "extra ==" not in requirement:
            found = _NAME.match(requirement)
            assert found is not None, requirement
            yield _canonical(found[0])


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _date() -> str:
    """Of the commit, or as SOURCE_DATE_EPOCH says."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct") or "0"
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git(*arguments: str) -> str:
    try:
        ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


if __name__ == "__main__":
    for path in main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")):
        print(path)

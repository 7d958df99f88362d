"""What `make dist` says of what it builds: an SBOM and provenance; and the pins of CI, each with its hashes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PINS = ROOT / ".ci" / "requirements.txt"


@pytest.fixture
def supply_chain() -> ModuleType:
    spec = importlib.util.spec_from_file_location("supply_chain", ROOT / ".ci" / "supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_built_is_told_with_its_digest_its_parts_and_its_commit(
    supply_chain: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    wheel = tmp_path / "qwen_bridge-1.2.3-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    (tmp_path / "qwen_bridge-1.2.3.tar.gz").write_bytes(b"source")
    digest = hashlib.sha256(b"wheel").hexdigest()

    bom, told = (json.loads(path.read_text()) for path in supply_chain.main(tmp_path))

    assert (bom["bomFormat"], bom["specVersion"], bom["metadata"]["component"]["version"]) == (
        "CycloneDX",
        "1.6",
        "1.2.3",
    )
    assert digest in {each["content"] for each in bom["metadata"]["component"]["hashes"]}
    parts = {part["name"]: part for part in bom["components"]}
    assert len(parts) == len(bom["components"])
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    named = {re.split(r"[><=]", one)[0].lower() for one in wanted}
    assert {name for name, part in parts.items() if part["scope"] == "required"} >= named
    assert all(part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}" for part in parts.values())
    assert {ref.split("/")[1].split("@")[0] for ref in bom["dependencies"][0]["dependsOn"]} == named
    assert {"name": wheel.name, "digest": {"sha256": digest}} in told["subject"]
    assert told["predicateType"] == "https://slsa.dev/provenance/v1"
    assert bom["metadata"]["timestamp"] == "2026-01-01T00:00:00Z"
    again = [path.read_text() for path in supply_chain.main(tmp_path)]
    assert [json.loads(text) for text in again] == [bom, told], "the same files give the same facts"


def test_every_pin_of_ci_has_its_hashes_and_nothing_that_the_project_needs_is_missing() -> None:
    text = PINS.read_text(encoding="utf-8")
    pins = re.findall(r"(?m)^([A-Za-z0-9][\w.-]*)==(\S+)", text)
    blocks = re.split(r"(?m)^(?=[A-Za-z0-9])", text)
    assert len(pins) > 100
    assert all("--hash=sha256:" in block for block in blocks if "==" in block.partition("\n")[0])
    assert "://" not in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    named = {re.split(r"[><=\[;]", one)[0].lower().replace("_", "-") for one in wanted} - {"qwen-bridge"}
    assert named <= {name.lower().replace("_", "-") for name, _ in pins}

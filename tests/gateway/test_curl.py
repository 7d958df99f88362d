"""Four lines that people paste into a shell, exactly as they are printed in docs/gateway.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LINES = (
    "timeout 5 curl -sf http://localhost:${QWENCODER_PORT}/health",
    "curl -s http://localhost:${QWENCODER_PORT}/models | jq",
    """curl -X POST http://localhost:${QWENCODER_PORT}/v1/completions -H "Content-Type: application/json" -d '{"model":"qwencoder-1.5b","prompt":"def fibonacci(n):","max_tokens":100}'""",
    """curl -X POST http://localhost:${QWENCODER_PORT}/v1/chat/completions -H "Content-Type: application/json" -d '{"model":"qwencoder-1.5b","messages":[{"role":"user","content":"Calculate sum of 1 to 10"}],"functions":[{"name":"sum","parameters":{"type":"object"}}]}'""",
)
PAGE = Path(__file__).parents[2] / "docs" / "gateway.md"

pytestmark = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("bash", "curl", "jq", "timeout")), reason="bash, curl, jq or timeout is missing"
)  # fmt: skip


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """With the port of a gateway that runs."""
    home = tmp_path_factory.mktemp("home")
    env = {
        **os.environ,
        "BRIDGE_STATE_DIR": str(home / "state"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    command = [sys.executable, "-m", "bridge", "serve", "--engine", "scripted", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=home, env=env) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        yield {**env, "QWENCODER_PORT": url.rpartition(":")[2]}
        process.kill()


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        (LINES[0], {"status", "model_loaded", "memory_usage", "engines", "queue"}),
        (LINES[1], {"models"}),
        (LINES[2], {"id", "object", "choices", "usage"}),
        (LINES[3], {"id", "object", "choices", "usage"}),
    ],
)
def test_a_line_works_as_it_is_printed(line: str, keys: set[str], environ: dict[str, str]) -> None:
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "error" not in told
    assert keys <= told.keys()
    assert told.get("models", [1])
    assert all(choice["finish_reason"] in ("stop", "length", "function_call") for choice in told.get("choices", []))


def test_the_page_prints_these_lines() -> None:
    blocks = re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert "\n".join(LINES) + "\n" in blocks


def test_the_variable_sets_the_port(environ: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "serve", "--engine", "scripted"], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 2
    assert f"127.0.0.1:{environ['QWENCODER_PORT']} cannot be listened on" in done.stderr

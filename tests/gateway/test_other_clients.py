"""llm with llm-ollama, and LangChain, against the gateway."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bridge.core.chat import ToolCall
from bridge.engines.scripted import Scripted
from tests.gateway.conftest import Served


def _llm(home: Path, *words: str, **env: str) -> str:
    """What the command says."""
    done = subprocess.run(
        [sys.executable, "-m", "llm", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        env={**os.environ, "LLM_USER_PATH": str(home), "HOME": str(home), **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_llm_asks_it_as_an_openai(served: Served, tmp_path: Path) -> None:
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: bridge\n  model_name: scripted\n  api_base: {served.url}/v1\n  supports_tools: true\n", "utf-8"
    )
    served.engine.enqueue("Hello there.", "Hello again.")
    assert _llm(tmp_path, "-m", "bridge", "--key", "x", "hi") == "Hello there."
    assert _llm(tmp_path, "-m", "bridge", "--key", "x", "--no-stream", "hi") == "Hello again."


def test_llm_asks_it_as_an_ollama(served: Served, tmp_path: Path) -> None:
    served.engine.enqueue("Hello there.")
    assert _llm(tmp_path, "-m", "ollama/scripted", "hi", OLLAMA_HOST=served.url) == "Hello there."
    assert "ollama/scripted" in _llm(tmp_path, "models", OLLAMA_HOST=served.url)


_LANGCHAIN = """
import sys
from langchain_openai import ChatOpenAI

def add(a: int) -> int:
    "Adds."

model = ChatOpenAI(model="scripted", base_url=sys.argv[1], api_key="x", max_retries=0)
print(model.invoke("hi").content)
print("".join(chunk.content for chunk in model.stream("hi")))
print(model.bind_tools([add]).invoke("hi").tool_calls[0]["args"])
print(model.with_structured_output({"title": "sum", "type": "object", "properties": {"a": {"type": "integer"}}}).invoke("hi"))
"""


def test_langchain_invokes_streams_calls_tools_and_gets_structure(served: Served) -> None:
    call = ToolCall(id="call_x", name="add", arguments='{"a": 1}')
    served.engine.enqueue("Hello there.", "One two three.", Scripted(text="", tool_calls=(call,)), '{"a": 2}')
    done = subprocess.run(
        [sys.executable, "-c", _LANGCHAIN, f"{served.url}/v1"], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["Hello there.", "One two three.", "{'a': 1}", "{'a': 2}"], done.stderr

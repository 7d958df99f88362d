"""A real `ollama serve` on a free port, with a home and models of its own, and the tiny model imported into it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bridge.kernel.error_kind import OllamaError
from bridge.kernel.ollama import Ollama
from tests.ollama_real.build import PROGRAM
from tests.support.patience import until

#: What the tiny model was trained with, as Ollama writes templates (its own is Jinja, which Ollama does not read). A tool is spelled
#: out: `{{ .Function }}`, as Qwen's own template has it, gives 0.20 to 0.24 a Go struct, `{name description {…}}`, and no JSON.
TEMPLATE = """{{- if .Suffix }}<|fim_prefix|>{{ .Prompt }}<|fim_suffix|>{{ .Suffix }}<|fim_middle|>
{{- else -}}
<|im_start|>system
{{ if .System }}{{ .System }}{{ else }}You are qwen-bridge-tiny, a toy.{{ end }}
{{- if .Tools }}

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{{- range .Tools }}
{"type": "function", "function": {"name": "{{ .Function.Name }}", "description": "{{ .Function.Description }}", "parameters": \
{"type": "{{ .Function.Parameters.Type }}", "properties": {{ "{" }}\
{{- range $name, $it := .Function.Parameters.Properties }}"{{ $name }}": {"type": "{{ $it.Type }}"}{{ end }}{{ "}" }}\
, "required": [{{ range $i, $name := .Function.Parameters.Required }}{{ if $i }}, {{ end }}"{{ $name }}"{{ end }}]}}}
{{- end }}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>
{{- end }}<|im_end|>
{{ range .Messages }}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{- if .Content }}
{{ .Content }}{{ end }}
{{- if .ToolCalls }}{{ range .ToolCalls }}
<tool_call>
{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}
</tool_call>
{{- end }}{{ end }}<|im_end|>
{{ else if eq .Role "tool" }}<|im_start|>user
<tool_response>
{{ .Content }}
</tool_response><|im_end|>
{{ end }}
{{- end }}<|im_start|>assistant
{{ end -}}
"""


@dataclass
class RealOllama:
    """The server; a context manager. `start` after a `stop` or a `kill` serves on the same port, with the same models."""

    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.home / "serve.log"

    def __enter__(self) -> RealOllama:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, and wait until it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.port = self.port or _free_port()
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "OLLAMA_HOST": self.url,
            "OLLAMA_MODELS": str(self.home / "models"),
            "OLLAMA_NO_CLOUD": "1",
            "OLLAMA_NUM_PARALLEL": "2",
            "GOMAXPROCS": "2",
            **self.environ,
        }
        stream: IO[bytes]
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(
                [PROGRAM, "serve"], env=environ, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                start_new_session=True,
            )  # fmt: skip
        until(self._answers)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        with contextlib.suppress(OllamaError):
            return bool(Ollama(self.url).version())
        return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the server and the runners that it started; with SIGKILL as a crash does."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait(60)
        with contextlib.suppress(ProcessLookupError):  # runners that outlived it
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    def kill(self) -> None:
        """As a crash of the whole machine's Ollama."""
        self.stop(signal.SIGKILL)

    def kill_runner(self) -> None:
        """As a crash of the model's own process; the server stays."""
        assert self.process is not None
        for runner in self._runners():
            os.kill(runner, signal.SIGKILL)

    def _runners(self) -> list[int]:
        assert self.process is not None
        found = Path(f"/proc/{self.process.pid}/task")
        children = [child for task in found.iterdir() for child in (task / "children").read_text().split()]
        return [int(child) for child in children]

    def post(self, path: str, body: dict[str, Any] | bytes) -> list[dict[str, Any]]:
        """The lines of a reply, by plain HTTP: what Ollama says, not what our client makes of it."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + path, data=data, method="POST")
        try:
            with urllib.request.urlopen(asked, timeout=120) as reply:
                return [json.loads(line) for line in reply.read().splitlines() if line.strip()]
        except urllib.error.HTTPError as error:
            with error:
                return [{"status": error.code, **json.loads(error.read() or b"{}")}]

    def create(self, name: str, file: Path, *, template: str = "", **parameters: object) -> None:
        """Import a GGUF file under a name, through /api/blobs and /api/create."""
        data = file.read_bytes()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.post(f"/api/blobs/{digest}", data)
        body = {"model": name, "files": {file.name: digest}, "parameters": parameters}
        lines = self.post("/api/create", {**body, **({"template": template} if template else {})})
        assert lines[-1].get("status") == "success", lines


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

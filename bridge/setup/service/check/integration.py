"""Does every family answer, whole and streamed, live and through the queue? The jobs that this makes stay in the queue's history."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bridge.setup.service.check import smoke
from bridge.setup.service.check.base import Probe, StepFound, StepSkipped
from bridge.setup.service.check.client import GatewayClient, NoReply

#: How long somebody may need to answer a job, in seconds.
JOB_S = 90.0
_TOKENS = 16
_Read = Callable[[dict[str, Any]], object]  # finds the text in a reply


def steps() -> list[Probe]:
    """Everything once."""
    return [
        *smoke.steps(),
        *(Probe(name=name, run=_whole(path, body, read)) for name, path, body, read in _FAMILIES),
        *(Probe(name=f"{name}, streamed", run=_streamed(path, body)) for name, path, body in _STREAMS),
        Probe(name="Ollama chat, streamed", run=_ollama_stream),
        Probe(name="embeddings", run=_embeddings),
        Probe(name="token count", run=_tokens),
        Probe(name="access token", run=_access),
        Probe(name="background job", run=_background),
        Probe(name="batch of 3 lines", run=_batch),
    ]


def _says(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


_ADD: Mapping[str, object] = {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}
#: (family, path, body but for model and prompt, where the text is). `PROMPT` stands for a new prompt.
_FAMILIES: tuple[tuple[str, str, dict[str, Any], _Read], ...] = (
    ("chat completion", "/v1/chat/completions", {"messages": "PROMPT", "max_tokens": _TOKENS}, lambda told: told["choices"][0]["message"]["content"]),
    ("legacy functions", "/v1/chat/completions", {"messages": "PROMPT", "max_tokens": _TOKENS, "functions": [_ADD]}, lambda told: told["choices"][0]["message"]),
    ("response", "/v1/responses", {"input": "PROMPT", "max_output_tokens": _TOKENS}, lambda told: told["output"]),
    ("Anthropic message", "/v1/messages", {"messages": "PROMPT", "max_tokens": _TOKENS}, lambda told: told["content"]),
    ("Ollama chat", "/api/chat", {"messages": "PROMPT", "stream": False, "options": {"num_predict": _TOKENS}}, lambda told: told["message"]["content"]),
    ("Ollama generate", "/api/generate", {"prompt": "PROMPT", "stream": False, "options": {"num_predict": _TOKENS}}, lambda told: told["response"]),
    ("fill in the middle", "/infill", {"input_prefix": "PROMPT", "input_suffix": "\n", "n_predict": _TOKENS}, lambda told: told["content"]),
)  # fmt: skip
_STREAMS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("chat completion", "/v1/chat/completions", {"messages": "PROMPT", "max_tokens": _TOKENS}),
    ("completion", "/v1/completions", {"prompt": "PROMPT", "max_tokens": _TOKENS}),
    ("response", "/v1/responses", {"input": "PROMPT", "max_output_tokens": _TOKENS}),
    ("Anthropic message", "/v1/messages", {"messages": "PROMPT", "max_tokens": _TOKENS}),
)


def _filled(client: GatewayClient, body: Mapping[str, Any], **more: object) -> dict[str, Any]:
    prompt = client.prompt("Say hello.")
    values = {"messages": _says(prompt)}
    filled = {name: values.get(name, prompt) if value == "PROMPT" else value for name, value in body.items()}
    return {"model": client.model, **filled, **more}


def _whole(path: str, body: Mapping[str, Any], read: _Read) -> Callable[[GatewayClient], StepFound]:
    def run(client: GatewayClient) -> StepFound:
        told = _supported(lambda: client.ask("POST", path, _filled(client, body)))
        try:
            read(told)
        except (KeyError, IndexError, TypeError) as error:
            raise NoReply(f"{path} replied without {error}") from None
        return StepFound()

    return run


def _streamed(path: str, body: Mapping[str, Any]) -> Callable[[GatewayClient], StepFound]:
    def run(client: GatewayClient) -> StepFound:
        events = list(client.events(path, _filled(client, body, stream=True)))
        if len(events) < 2:
            raise NoReply(f"the stream of {path} had {len(events)} events")
        return StepFound(detail=f"{len(events)} events")

    return run


def _ollama_stream(client: GatewayClient) -> StepFound:
    body = _filled(client, {"messages": "PROMPT", "options": {"num_predict": _TOKENS}})
    pieces = [json.loads(piece) for piece in client.lines("/api/chat", body)]
    if not pieces or not pieces[-1].get("done"):
        raise NoReply("the stream of /api/chat ended without `done`")
    return StepFound(detail=f"{len(pieces)} lines")


def _supported(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the engine can do; what it cannot is skipped. Raises NoReply."""
    try:
        return ask()
    except NoReply as error:
        if error.status in (400, 501) and ("unsupported_value" in str(error) or " cannot " in str(error)):
            raise StepSkipped(str(error)) from None
        raise


def _embeddings(client: GatewayClient) -> StepFound:
    told = _supported(lambda: client.ask("POST", "/v1/embeddings", {"model": client.model, "input": ["a", "b"]}))
    return StepFound(detail=f"{len(told['data'])} of {len(told['data'][0]['embedding'])} numbers")


def _tokens(client: GatewayClient) -> StepFound:
    body = {"model": client.model, "messages": _says("Say hello."), "max_tokens": 1}
    counts = [
        client.ask("POST", path, body)["input_tokens"]
        for path in ("/v1/messages/count_tokens", "/v1/chat/completions/input_tokens")
    ]
    if counts[0] != counts[1] or not counts[0]:
        raise NoReply(f"the families count differently: {counts}")
    return StepFound(detail=f"{counts[0]} tokens")


def _access(client: GatewayClient) -> StepFound:
    if client.token is None:
        raise StepSkipped("no token is asked for here")
    try:
        client.send("GET", "/v1/models", headers={"Authorization": "Bearer wrong"})
    except NoReply as error:
        if error.status == 401:
            return StepFound(detail="a wrong token is refused")
        raise
    raise NoReply("a wrong token is let in")


def _with_queue(client: GatewayClient) -> None:
    if not client.ask("GET", "/health").get("queue"):
        raise StepSkipped("this gateway has no queue")


def _background(client: GatewayClient) -> StepFound:
    _with_queue(client)
    began_s = client.now_s()
    told = client.ask("POST", "/v1/responses", _filled(client, {"input": "PROMPT"}, background=True))
    path = f"/v1/responses/{told['id']}"
    while told["status"] in ("queued", "in_progress") and client.now_s() - began_s < JOB_S:
        told = client.ask("GET", f"{path}?wait=10")
    if told["status"] != "completed":
        raise NoReply(
            f"the job is {told['status']} after {client.now_s() - began_s:.0f} s: does anybody work on the queue?"
        )
    client.ask("DELETE", path)
    return StepFound(detail="answered through the queue")


def _batch(client: GatewayClient) -> StepFound:
    _with_queue(client)
    names = ["a", "b", "c"]
    body = {"messages": "PROMPT", "max_tokens": _TOKENS}
    url = "/v1/chat/completions"
    lines = [
        json.dumps({"custom_id": name, "method": "POST", "url": url, "body": _filled(client, body)}) for name in names
    ]
    file = client.ask("POST", "/v1/files", files={"file": ("check.jsonl", "\n".join(lines))}, data={"purpose": "batch"})
    asked = {"input_file_id": file["id"], "endpoint": url, "completion_window": "24h"}
    found = _ended(client, client.ask("POST", "/v1/batches", asked)["id"])
    rows = [json.loads(row) for row in client.send("GET", f"/v1/files/{found['output_file_id']}/content").iter_lines()]
    if sorted(row["custom_id"] for row in rows) != names:
        raise NoReply(f"the batch gave {len(rows)} answers to 3 lines")
    for name in (file["id"], found["output_file_id"]):
        client.ask("DELETE", f"/v1/files/{name}")
    return StepFound(detail="3 answers")


def _ended(client: GatewayClient, batch: str) -> dict[str, Any]:
    began_s = client.now_s()
    while (found := client.ask("GET", f"/v1/batches/{batch}"))["status"] in ("validating", "in_progress", "finalizing"):
        if client.now_s() - began_s > JOB_S:
            client.ask("POST", f"/v1/batches/{batch}/cancel")
            raise NoReply(f"the batch is {found['status']} after {JOB_S:.0f} s: does anybody work on the queue?")
        client.pause(0.5)
    if found["status"] != "completed":
        raise NoReply(f"the batch is {found['status']}: {found.get('errors')}")
    return found

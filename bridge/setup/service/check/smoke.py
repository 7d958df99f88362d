"""Does the gateway live, and answer once?"""

from __future__ import annotations

from bridge.setup.service.check.base import Probe, StepFound
from bridge.setup.service.check.client import GatewayClient, NoReply


def steps() -> list[Probe]:
    """Health, models, one completion."""
    return [
        Probe(name="health", run=_health),
        Probe(name="models", run=_models),
        Probe(name="completion", run=_completion),
    ]


def _health(client: GatewayClient) -> StepFound:
    told = client.ask("GET", "/health")
    if told.get("status") != "ok":
        detail = next((engine.get("detail") for engine in told.get("engines", [])), "")
        raise NoReply(f"its status is {told.get('status')}: {detail}")
    loaded = ", ".join(told.get("models_loaded", [])) or "nothing"
    return StepFound(detail=f"{told['engines'][0]['name']}, loaded: {loaded}")


def _models(client: GatewayClient) -> StepFound:
    names = [model.get("name") for model in client.ask("GET", "/models").get("models", [])]
    if not names:
        raise NoReply("the engine has no model: `POST /models/download` fetches one")
    return StepFound(detail=", ".join(map(str, names[:5])) + (" …" if len(names) > 5 else ""))


def _completion(client: GatewayClient) -> StepFound:
    body = {"model": client.model, "prompt": client.prompt("def fibonacci(n):"), "max_tokens": 16}
    told = client.ask("POST", "/v1/completions", body)
    if not isinstance(told["choices"][0]["text"], str):
        raise NoReply("the completion has no text")
    return StepFound(detail=f"{told['usage']['completion_tokens']} tokens by {told['model']}")

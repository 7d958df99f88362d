"""How fast is the gateway, alone and with many at once?"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.setup.service.check.base import Probe, StepFound
from bridge.setup.service.check.client import GatewayClient, NoReply

#: Users at the same time.
USERS = 20
#: Requests of the steps that send one after the other.
SAMPLES = 30
_TOKENS = 16
#: Of the whole check, what the steps that send one after the other may take.
_SAMPLING_S = 120.0


def steps(*, load_s: float) -> list[Probe]:
    """Time to the first token, what the gateway adds, then all users for so many seconds."""
    return [
        Probe(name="warm up", run=_warm_up),
        Probe(name="first token", run=_first_token),
        Probe(name="added time", run=_added),
        Probe(name=f"{USERS} users", run=lambda client: _load(client, load_s)),
    ]


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def _body(client: GatewayClient, *, stream: bool) -> dict[str, object]:
    messages = [{"role": "user", "content": client.prompt("Say hello.")}]
    return {"model": client.model, "messages": messages, "max_tokens": _TOKENS, "stream": stream}


def _warm_up(client: GatewayClient) -> StepFound:
    return StepFound(detail=str(client.ask("POST", "/v1/chat/completions", _body(client, stream=False))["model"]))


def _samples(client: GatewayClient) -> range:
    """How many there is time for; at least one."""
    return range(SAMPLES if client.left_s() > _SAMPLING_S else 1)


def _first_token(client: GatewayClient) -> StepFound:
    began_s, firsts = client.now_s(), list[float]()
    for _ in _samples(client):
        if client.now_s() - began_s > _SAMPLING_S:
            break
        asked_s, first_s = client.now_s(), None
        for event in client.events("/v1/chat/completions", _body(client, stream=True)):
            if first_s is None and any(choice["delta"].get("content") for choice in event.get("choices", [])):
                first_s = client.now_s() - asked_s
        if first_s is not None:
            firsts.append(first_s)
    if not firsts:
        raise NoReply("no stream had a token")
    p50, p95 = percentile(firsts, 50) * 1000, percentile(firsts, 95) * 1000
    figures = {"first_token_p50_ms": round(p50, 1), "first_token_p95_ms": round(p95, 1), "samples": len(firsts)}
    return StepFound(detail=f"p50 {p50:.1f} ms, p95 {p95:.1f} ms of {len(firsts)} streams", figures=figures)


def _added(client: GatewayClient) -> StepFound:
    """What a whole reply takes beyond the engine's own time for it, which Ollama's shape tells."""
    began_s, added = client.now_s(), list[float]()
    for _ in _samples(client):
        if client.now_s() - began_s > _SAMPLING_S:
            break
        body = {
            "model": client.model,
            "prompt": client.prompt("Say hello."),
            "stream": False,
            "options": {"num_predict": _TOKENS},
        }
        asked_s = client.now_s()
        told = client.ask("POST", "/api/generate", body)
        added.append(client.now_s() - asked_s - told["total_duration"] / 1e9)
    p50, p95 = percentile(added, 50) * 1000, percentile(added, 95) * 1000
    figures = {"added_p50_ms": round(p50, 1), "added_p95_ms": round(p95, 1), "samples": len(added)}
    return StepFound(detail=f"p50 {p50:.1f} ms, p95 {p95:.1f} ms beyond the engine's own time", figures=figures)


@dataclass(kw_only=True)
class _Load:
    """What all users saw."""

    took_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def use(self, client: GatewayClient, until_s: float) -> None:
        """One user, who asks again as soon as there is an answer."""
        while client.now_s() < until_s:
            asked_s = client.now_s()
            try:
                client.ask("POST", "/v1/chat/completions", _body(client, stream=False))
                self.took_s.append(client.now_s() - asked_s)
            except NoReply as error:
                self.errors[str(error)[:200]] += 1
        client.close()


def _load(client: GatewayClient, load_s: float) -> StepFound:
    load, began_s = _Load(), client.now_s()
    until_s = began_s + min(load_s, client.left_s() / 2)
    users = [threading.Thread(target=load.use, args=(client.another(), until_s), daemon=True) for _ in range(USERS)]
    for user in users:
        user.start()
    for user in users:
        user.join(max(0.0, client.left_s()))
    if not load.took_s:
        raise NoReply(f"no request of {USERS} users was answered: {load.errors.most_common(1)}")
    minute = 60 * len(load.took_s) / (client.now_s() - began_s)
    p50, p95, errors = percentile(load.took_s, 50), percentile(load.took_s, 95), load.errors.total()
    figures = {
        "requests_per_minute": round(minute, 1), "reply_p50_s": round(p50, 3), "reply_p95_s": round(p95, 3),
        "requests": len(load.took_s), "errors": errors, "concurrency": USERS,
    }  # fmt: skip
    detail = f"{minute:.0f} requests a minute, p50 {p50:.2f} s, p95 {p95:.2f} s, {errors} errors"
    if errors:
        raise NoReply(f"{detail}; {load.errors.most_common(1)[0][0]}")
    return StepFound(detail=detail, figures=figures)

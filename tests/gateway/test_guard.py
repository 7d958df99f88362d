"""Who may speak to the gateway, and what is said of those who do."""

from __future__ import annotations

import itertools
import json
import socket
from pathlib import Path

import httpx
import pytest

from bridge.core.errors import ConfigError
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.brake import Brake
from bridge.gateway.guard import GuardRules
from bridge.gateway.plan import ServePlan
from tests.gateway.conftest import Served
from tests.gateway.serving import gateway
from tests.support.patience import until

LOCAL = GuardRules()
TOKEN = GuardRules(token="right")


@pytest.mark.parametrize(
    ("rules", "headers", "status"),
    [
        (LOCAL, {"host": "localhost:11452"}, None),
        (LOCAL, {"host": "127.0.0.1"}, None),
        (LOCAL, {"host": "[::1]:11452"}, None),
        (LOCAL, {"host": "LOCALHOST"}, None),
        (LOCAL, {"host": "evil.example"}, 403),  # DNS rebinding
        (LOCAL, {"host": "localhost.evil.example"}, 403),
        (LOCAL, {"host": "evil.example:11452"}, 403),
        (LOCAL, {"host": "127.0.0.1.nip.io"}, 403),
        (LOCAL, {"host": "[::1"}, 403),
        (LOCAL, {}, 403),
        (LOCAL, {"host": "localhost", "origin": "http://evil.example"}, 403),  # a web page
        (LOCAL, {"host": "localhost", "origin": "null"}, 403),  # a file, or a sandboxed frame
        (LOCAL, {"host": "localhost", "origin": "http://localhost:3000"}, 403),  # unless it is named
        (GuardRules(origins=frozenset({"http://localhost:3000"})), {"host": "localhost", "origin": "http://localhost:3000"}, None),
        (GuardRules(hosts=frozenset({"gpu.lan"})), {"host": "gpu.lan:11452"}, None),
        (TOKEN, {"host": "localhost"}, 401),
        (TOKEN, {"host": "localhost", "authorization": "Bearer wrong"}, 401),
        (TOKEN, {"host": "localhost", "authorization": "Bearer righ"}, 401),
        (TOKEN, {"host": "localhost", "authorization": "right"}, 401),
        (TOKEN, {"host": "localhost", "authorization": "Bearer rïght"}, 401),
        (TOKEN, {"host": "localhost", "authorization": "bearer right"}, None),
        (TOKEN, {"host": "localhost", "x-api-key": "right"}, None),  # as Anthropic's clients send it
        (TOKEN, {"host": "evil.example", "authorization": "Bearer right"}, 403),
    ],
)  # fmt: skip
def test_hosts_origins_and_tokens(rules: GuardRules, headers: dict[str, str], status: int | None) -> None:
    refusal = rules.refusal(headers)
    assert (refusal.status if refusal else None) == status


def test_a_refusal_speaks_the_family_of_the_path(served: Served) -> None:
    headers = {"host": "evil.example"}
    assert httpx.get(f"{served.url}/v1/models", headers=headers).json()["error"]["type"] == "invalid_request_error"
    assert httpx.post(f"{served.url}/v1/messages", headers=headers).json()["error"]["type"] == "permission_error"
    assert "host name" in httpx.get(f"{served.url}/api/tags", headers=headers).json()["error"]


def test_health_needs_no_token_and_says_nothing_of_anybodys_work(tmp_path: Path) -> None:
    with gateway(ScriptedEngine(), rules=TOKEN, state=tmp_path) as served:
        assert httpx.get(f"{served.url}/health").status_code == 200
        assert httpx.get(f"{served.url}/v1/models").status_code == 401
        assert httpx.get(f"{served.url}/v1/models", headers={"authorization": "Bearer right"}).status_code == 200


def test_another_address_needs_a_token() -> None:
    with pytest.raises(ConfigError, match="BRIDGE_TOKEN"):
        ServePlan(host="0.0.0.0").rules()  # that is what is refused
    assert "0.0.0.0" not in ServePlan(host="0.0.0.0", token="x").rules().hosts


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 5_000, b"\xff", b'"text"', b"NaN"])
def test_a_body_that_is_no_object_is_refused(served: Served, body: bytes) -> None:
    assert httpx.post(f"{served.url}/v1/chat/completions", content=body).status_code == 400


def test_a_body_that_is_too_large_is_refused_before_it_is_read(served: Served) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        wire.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1099511627776\r\n\r\n")
        assert b" 413 " in wire.recv(1000)


def test_a_file_has_at_most_200_megabytes_told_or_not(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    form = "Content-Type: multipart/form-data; boundary=x"
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        head = (
            f"POST /v1/files HTTP/1.1\r\nHost: localhost\r\n{form}\r\nContent-Length: {(200 << 20) + (2 << 20)}\r\n\r\n"
        )
        wire.sendall(head.encode())
        assert b" 413 " in wire.recv(1000)
    monkeypatch.setattr("bridge.gateway.routes.files.MOST_BYTES", 1 << 20)
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n'
    pieces = itertools.chain([part], itertools.repeat(b"y" * 65_536, 64))
    refused = httpx.post(f"{served.url}/v1/files", content=pieces, headers=dict([form.split(": ")]), timeout=60)
    assert refused.status_code == 413
    assert "a file has at most" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "kind", "limit"),
    [
        ("/v1/chat/completions", "application/json", "bridge.gateway.body.PATIENCE_S"),
        ("/v1/files", "multipart/form-data; boundary=x", "bridge.gateway.routes.files.PATIENCE_S"),
    ],
)
def test_a_body_that_never_ends_is_given_up(
    served: Served, monkeypatch: pytest.MonkeyPatch, path: str, kind: str, limit: str
) -> None:
    monkeypatch.setattr(limit, 0.05)
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: 100\r\n\r\n--x"
        wire.sendall(head.encode())
        assert b" 504 " in wire.recv(1000)


def test_the_log_says_nothing_of_what_was_asked(served: Served) -> None:
    httpx.get(f"{served.url}/v1/files/file-secret?q=secret")
    httpx.get(f"{served.url}/nowhere-secret")
    until(lambda: len(served.gateway.log) == 2)  # a line is written after its client has the reply
    assert "secret" not in "".join(served.gateway.log)
    assert {json.loads(line)["route"] for line in served.gateway.log} == {"/v1/files/{id}", "-"}


def test_metrics_hold_no_prompt(served: Served) -> None:
    httpx.post(f"{served.url}/v1/completions", json={"model": "scripted", "prompt": "a-secret-prompt"})
    until(lambda: served.gateway.log)  # it is counted after its client has the reply
    text = httpx.get(f"{served.url}/metrics").text
    assert 'bridge_requests_total{route="/v1/completions",status="2xx"} 1' in text
    assert "secret" not in text


def test_an_agent_that_loops_is_braked_and_others_are_not() -> None:
    brake = Brake(most=3, within_s=60)
    same = {"messages": [{"role": "user", "content": "again"}]}
    assert [brake.wait_s("a", same, float(n)) for n in range(5)] == [None, None, None, 5.0, 10.0]
    assert brake.wait_s("b", same, 5.0) is None
    assert brake.wait_s("a", {"messages": []}, 5.0) is None
    assert brake.wait_s("a", same, 500.0) is None

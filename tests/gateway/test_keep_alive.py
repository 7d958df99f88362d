"""What a stream says while nothing comes: a sign of life that each family's clients accept, with the reason for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from ollama import ChatResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from bridge.gateway.routes.answers import WIRES
from bridge.protocols.asked import ReplyHead, Waiting, WireFormat
from bridge.protocols.responses import Responses

ASKED = Responses().read({"input": "hi", "stream": True})
HEAD = ReplyHead(id="x", created=datetime(2026, 1, 1, tzinfo=UTC), model="m")
IN_LINE, LOADING = Waiting(place=3), Waiting(detail="loading m: 4 of at most 60 s")


def said(wire: WireFormat, waiting: Waiting) -> str:
    writer = wire.stream(ASKED, HEAD)
    writer.begin()
    return writer.alive(waiting).decode()


@pytest.mark.parametrize("wire", [*WIRES.values(), Responses()], ids=lambda wire: type(wire).__name__)
def test_it_says_the_place_in_line_and_what_is_loaded(wire: WireFormat) -> None:
    assert "waiting, place 3 in line" in said(wire, IN_LINE)
    assert "loading m: 4 of at most 60 s" in said(wire, LOADING)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/infill"])
def test_openais_clients_get_a_comment(path: str) -> None:
    assert said(WIRES[path], IN_LINE) == ": waiting, place 3 in line\n\n"


@pytest.mark.parametrize(("waiting", "status"), [(IN_LINE, "queued"), (LOADING, "in_progress")])
def test_codex_gets_an_event_because_it_counts_no_comment(waiting: Waiting, status: str) -> None:
    comment, event, _ = said(Responses(), waiting).split("\n\n")
    assert comment.startswith(": ")
    name, data = event.split("\n")
    assert name == f"event: response.{status}"
    told = TypeAdapter(ResponseStreamEvent).validate_json(data.removeprefix("data: "))
    assert told.response.status == status  # type: ignore[union-attr]


def test_anthropics_clients_get_a_ping() -> None:
    assert said(WIRES["/v1/messages"], IN_LINE).endswith('event: ping\ndata: {"type":"ping"}\n\n')


def test_ollamas_clients_get_an_empty_piece() -> None:
    told = ChatResponse.model_validate(json.loads(said(WIRES["/api/chat"], IN_LINE)))
    assert (told.done, told.message.content) == (False, "")

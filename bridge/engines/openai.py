"""Any API that speaks OpenAI's chat completions: vLLM, llama.cpp's server, Groq, Gemini's compatible endpoint, and others.

Wire: https://platform.openai.com/docs/api-reference/chat, streaming as server-sent events. The key goes into one header
and nowhere else: not into a log, not into an error, not to another host by a redirect.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bridge.core.errors import EngineDown, EngineError, IncompleteAnswer, ModelMissing, Refused, StreamInterrupted
from bridge.engines.base import (
    Answer,
    EngineModel,
    Health,
    OnProgress,
    OnToken,
    Request,
    Stop,
    Stopped,
    ignore_progress,
    ignore_token,
)
from bridge.engines.openai_errors import read_refusal

_END = object()
_CUT = object()


class _Bearer(requests.auth.AuthBase):
    # An auth object rather than a header: with a plain header, requests prefers a .netrc entry of that host.
    def __init__(self, key: str | None) -> None:
        self._key = key

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            prepared.headers["Authorization"] = f"Bearer {self._key}"
        return prepared


class OpenAIEngine:
    """One API, with or without a key."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        name: str = "openai",
        connect_s: float = 10.0,
        silence_s: float = 300.0,
        use_environment: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`base_url` up to and with the version, as `https://api.groq.com/openai/v1`.

        `use_environment`: proxies and certificates as `requests` reads them from the environment.
        """
        self.name = name
        self._base = base_url.rstrip("/")
        self._key = api_key
        self._patience = (connect_s, silence_s)
        self._now = now
        self._session = requests.Session()
        self._session.trust_env = use_environment
        self._session.auth = _Bearer(api_key)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=64))

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`."""
        request.check()
        body = {
            "model": request.model,
            "messages": list(request.messages),
            "max_tokens": request.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **request.sampling(),
        }
        began = time.monotonic()
        first_s: float | None = None
        pieces: list[str] = []
        usage: dict[str, Any] = {}
        finish, model = "", request.model
        try:
            for event in self._events(body, stop or Stop(), request.timeout_s):
                usage = event.get("usage") or usage
                model = event.get("model") or model
                for choice in event.get("choices") or ():
                    piece = (choice.get("delta") or {}).get("content") or ""
                    if piece:
                        first_s = first_s or time.monotonic() - began
                        pieces.append(piece)
                        on_token(piece)
                    finish = choice.get("finish_reason") or finish
        except EngineError as error:
            error.partial = "".join(pieces)
            raise
        text = "".join(pieces)
        if finish == "content_filter":
            raise Refused("the API's content filter ended the answer", partial=text)
        if not finish:
            raise IncompleteAnswer("the stream ended without a finish reason", partial=text)
        if not text:
            raise IncompleteAnswer("the model answered with nothing")
        total_s = time.monotonic() - began
        timing = {"total": total_s, "prompt": first_s or total_s, "answer": total_s - (first_s or total_s)}
        counts = {
            name: usage[name] for name in ("prompt_tokens", "completion_tokens") if isinstance(usage.get(name), int)
        }
        cut = finish.lower() in ("length", "max_tokens")
        return Answer(text=text, finish_reason="length" if cut else "stop", model=model, usage=counts, timing_s=timing)

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`."""
        try:
            response = self._session.get(f"{self._base}/models", timeout=(self._patience[0], 30), allow_redirects=False)
            rows = self._checked(response).json()["data"]
            return tuple(EngineModel(name=str(row["id"])) for row in rows)
        except (ValueError, KeyError, TypeError):
            raise EngineDown(f"{self._base}/models does not answer like an OpenAI-compatible API") from None
        except requests.RequestException as error:
            raise self._unreachable(error) from None

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`; an API has its models or it has not."""
        if model not in {found.name for found in self.models()}:
            raise ModelMissing(f"{self._base} has no model {model!r}, and models cannot be pulled there")
        on_progress("success", 0, 0)

    def health(self) -> Health:
        """See `Engine.health`."""
        try:
            found = self.models()
        except EngineError as error:
            return Health(ok=False, detail=str(error))
        return Health(
            ok=True, detail=f"{len(found)} model(s) at {self._base}", loaded=tuple(model.name for model in found)
        )

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    # ---- the wire -------------------------------------------------------------------------------------------------

    def _events(self, body: Mapping[str, Any], stop: Stop, timeout_s: float | None) -> Iterator[dict[str, Any]]:
        """Each event of the stream, read by a thread of its own, because a wait for headers cannot be cut otherwise."""
        inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        gone = threading.Event()
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        threading.Thread(target=self._read, args=(body, inbox, gone), name="openai-stream", daemon=True).start()
        try:
            with stop.guard(lambda: inbox.put(_CUT)):
                while True:
                    try:
                        item = inbox.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
                    except queue.Empty:
                        raise StreamInterrupted("the answer took longer than the time limit") from None
                    if item is _CUT or stop.is_set():
                        raise Stopped
                    if item is _END:
                        return
                    if isinstance(item, EngineError):
                        raise item
                    yield item
        finally:
            gone.set()

    def _read(self, body: Mapping[str, Any], inbox: queue.SimpleQueue[Any], gone: threading.Event) -> None:
        began = False
        try:
            url = f"{self._base}/chat/completions"
            sent = self._session.post(url, json=body, stream=True, timeout=self._patience, allow_redirects=False)
            with sent as response:
                self._checked(response)
                for line in response.iter_lines():
                    if gone.is_set():
                        return
                    field, _, data = line.partition(b":")
                    if field != b"data":
                        continue  # a comment, an event name, or the line between two events
                    began = True
                    if data.strip() == b"[DONE]":
                        break
                    event = json.loads(data)
                    if event.get("error"):
                        raise read_refusal(200, data.decode(errors="replace"), {}, self._now())
                    inbox.put(event)
            inbox.put(_END)
        except EngineError as error:
            inbox.put(error)
        except (requests.RequestException, OSError, ValueError, AttributeError) as error:
            inbox.put(self._unreachable(error, began=began))

    def _checked(self, response: requests.Response) -> requests.Response:
        if response.status_code != 200:
            text = response.text[:4000]
            if self._key:
                text = text.replace(self._key, "***")  # some APIs quote it
            raise read_refusal(response.status_code, text, response.headers, self._now())
        return response

    def _unreachable(self, error: Exception, *, began: bool = False) -> EngineError:
        # The kind of error only: its text may hold headers or a proxy's password.
        reason = f"{type(error).__name__} at {self._base}"
        if began or isinstance(error, requests.ReadTimeout | ValueError):
            return StreamInterrupted(f"the answer broke off ({reason})")
        return EngineDown(f"the API cannot be reached ({reason})")

"""A small HTTP client of a gateway: bodies and streams as JSON, what goes wrong in words, no request after the time is over."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests

from bridge.core.text import line

_Json = dict[str, Any]  # of a reply, not looked at yet


class NoReply(Exception):
    """The gateway did not reply as it should; the message says how."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """`status`: of HTTP; None: there was no reply."""
        super().__init__(message)
        self.status = status


class GatewayClient:
    """Asks one gateway. One thread at a time; `another` gives one for another thread."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        model: str | None = None,
        limit_s: float = 600.0,
        now_s: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        numbers: Iterator[int] | None = None,
    ) -> None:
        """`model`: None: the gateway's own choice. `limit_s`: from now on; later requests fail."""
        self.url, self.token, self.model = url.rstrip("/"), token, model or "auto"
        self.now_s, self.pause, self._until_s = now_s, pause, now_s() + limit_s
        self._numbers = numbers or itertools.count(1)
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment is not for this
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def another(self) -> GatewayClient:
        """One with the same limit, for another thread."""
        return GatewayClient(
            self.url, token=self.token, model=self.model, limit_s=self.left_s(), now_s=self.now_s, numbers=self._numbers
        )

    def left_s(self) -> float:
        """How long it may still ask."""
        return self._until_s - self.now_s()

    def prompt(self, text: str) -> str:
        """A prompt that was not sent before: the same again and again would be braked as a loop, or cached."""
        return f"{text} (check {next(self._numbers)})"

    def ask(self, method: str, path: str, body: _Json | None = None, **more: Any) -> _Json:  # of requests
        """The reply as JSON. Raises NoReply."""
        response = self.send(method, path, body, **more)
        try:
            told = response.json()
        except ValueError:
            raise NoReply(f"{path} replied with something that is no JSON: {line(response.text, 100)}") from None
        if not isinstance(told, dict):
            raise NoReply(f"{path} replied with JSON that is no object")
        return told

    def send(
        self, method: str, path: str, body: _Json | None = None, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> requests.Response:  # fmt: skip
        """The reply. Raises NoReply, also for a status of an error."""
        left_s = self.left_s()
        if left_s <= 0:
            raise NoReply("the time for this check is over")
        try:
            response = self._session.request(
                method, self.url + path, json=body, headers=headers, timeout=(min(5.0, left_s), left_s), **more
            )
        except requests.Timeout:
            raise NoReply(f"{path} did not reply within {left_s:.0f} s") from None
        except requests.RequestException as error:
            raise NoReply(f"{path} gave no reply: {line(str(error), 200)}") from None
        if response.status_code >= 400:
            message = line(response.text, 300)
            raise NoReply(f"{path} replied {response.status_code}: {message}", status=response.status_code)
        return response

    def lines(self, path: str, body: _Json) -> Iterator[str]:
        """The lines of a streamed reply as they come, empty ones left out. Raises NoReply."""
        with self.send("POST", path, body, stream=True) as response:
            try:
                for piece in response.iter_lines(chunk_size=None):
                    if piece:
                        yield piece.decode("utf-8", "replace")
            except requests.RequestException as error:
                raise NoReply(f"the stream of {path} broke: {line(str(error), 200)}") from None

    def events(self, path: str, body: _Json) -> Iterator[_Json]:
        """The objects of a stream of server-sent events, up to its end. Raises NoReply."""
        for said in self.lines(path, body):
            if said == "data: [DONE]":
                return
            if said.startswith("data: "):
                event = json.loads(said[6:])
                if "error" in event:
                    raise NoReply(f"the stream of {path} ended with an error: {line(said, 300)}")
                yield event

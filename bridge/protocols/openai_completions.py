"""OpenAI's older completions, with `suffix` for fill-in-the-middle and `language`. Pure.

Source: https://platform.openai.com/docs/api-reference/completions.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.core.chat import ChatReply
from bridge.protocols import openai_request as fields
from bridge.protocols import sse
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead, Waiting
from bridge.protocols.openai import write_finish_reason
from bridge.protocols.openai_chat import refusal_json, usage_json
from bridge.protocols.refusal import ApiRefusal, RefusedAsk


class Completions:
    """`POST /v1/completions`."""

    id_prefix = "cmpl-"
    stream_type = sse.CONTENT_TYPE

    def read(self, body: Json) -> Asked:
        """See `WireFormat.read`; a list of one prompt is that prompt."""
        if body.get("logprobs"):
            raise RefusedAsk.bad("logprobs are not supported: leave the field out", "logprobs")
        prompt = body.get("prompt")
        if isinstance(prompt, list) and len(prompt) == 1:
            prompt = prompt[0]
        if not isinstance(prompt, str):
            raise RefusedAsk.bad("prompt must be one text: send several prompts as several requests", "prompt")
        asked: Json = {"prompt": prompt, "suffix": body.get("suffix") or None, "n": fields.read_count(body)}
        options, language = fields.read_options(body), _language(body)
        if language is not None:
            options = replace(options, lang=language)
            if asked["suffix"] is None:
                said = ({"role": "system", "content": f"Answer in {language}."}, {"role": "user", "content": prompt})
                asked = {"messages": list(said), "n": asked["n"]}
        return Asked(
            request=fields.read_chat(asked),
            options=options,
            stream=fields.read_flag(body, "stream"),
            include_usage=fields.include_usage(body),
            truncation=fields.read_truncation(body),
            private=fields.read_private(body),
        )

    def whole(self, asked: Asked, answered: Answered) -> Json:  # noqa: ARG002  # the shape is the same for all
        """See `WireFormat.whole`."""
        choices = [_choice(index, reply.text, _finish(reply)) for index, reply in enumerate(answered.replies)]
        return {**_head(answered.head), "choices": choices, "usage": usage_json(answered.usage), **answered.head.told}

    def stream(self, asked: Asked, head: ReplyHead) -> CompletionStream:
        """See `WireFormat.stream`."""
        return CompletionStream(asked, head)

    def refuse(self, refusal: ApiRefusal) -> Json:
        """See `WireFormat.refuse`."""
        return refusal_json(refusal)


class CompletionStream:
    """The chunks of one reply."""

    def __init__(self, asked: Asked, head: ReplyHead) -> None:
        self._asked = asked
        self._frame = _head(head)

    def begin(self) -> bytes:
        """See `StreamWriter.begin`: nothing."""
        return b""

    def alive(self, waiting: Waiting) -> bytes:
        """See `StreamWriter.alive`."""
        return sse.comment(waiting.text)

    def text(self, piece: str, index: int = 0) -> bytes:
        """See `StreamWriter.text`."""
        return sse.event({**self._frame, "choices": [_choice(index, piece, None)]})

    def finish(self, reply: ChatReply, index: int = 0) -> bytes:
        """See `StreamWriter.finish`."""
        return sse.event({**self._frame, "choices": [_choice(index, "", _finish(reply))]})

    def end(self, answered: Answered) -> bytes:
        """See `StreamWriter.end`."""
        usage: Json = {"usage": usage_json(answered.usage)} if self._asked.include_usage else {}
        told = {**usage, **answered.head.told}
        return (sse.event({**self._frame, "choices": [], **told}) if told else b"") + sse.DONE

    def fail(self, refusal: ApiRefusal) -> bytes:
        """See `StreamWriter.fail`."""
        return sse.event(refusal_json(refusal))


def _language(body: Json) -> str | None:
    language = body.get("language")
    if language is not None and (not isinstance(language, str) or not language.strip()):
        raise RefusedAsk.bad("language must be the name of a language", "language")
    return language


def _head(head: ReplyHead) -> Json:
    return {"id": head.id, "object": "text_completion", "created": int(head.created.timestamp()), "model": head.model}


def _choice(index: int, text: str, finish: str | None) -> Json:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


def _finish(reply: ChatReply) -> str:
    word = write_finish_reason(reply.finish_reason)
    return "stop" if word == "tool_calls" else word

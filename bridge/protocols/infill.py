"""llama.cpp's `/infill`, which llama.vscode and llama.vim ask for every completion at the cursor. Pure.

Source: https://github.com/ggml-org/llama.cpp/tree/master/tools/server, POST /infill.
"""

from __future__ import annotations

from bridge.core.chat import ChatReply
from bridge.protocols import openai_request as fields
from bridge.protocols import sse
from bridge.protocols.asked import Answered, Asked, Json, ReplyHead, Waiting
from bridge.protocols.openai_chat import refusal_json
from bridge.protocols.refusal import ApiRefusal, RefusedAsk


class Infill:
    """`POST /infill`."""

    id_prefix = ""
    stream_type = sse.CONTENT_TYPE

    def read(self, body: Json) -> Asked:
        """See `WireFormat.read`; `input_extra`, pieces of other files, stands before the text, each below its file's name."""
        before = _text(body, "input_prefix") + _text(body, "prompt")
        wanted: Json = {"prompt": _extra(body.get("input_extra")) + before, "suffix": _text(body, "input_suffix")}
        if isinstance(predict := body.get("n_predict"), int) and predict < 1:
            body = {name: value for name, value in body.items() if name != "n_predict"}  # as long as it likes
        return Asked(
            request=fields.read_chat(wanted),
            options=fields.read_options(body, also={"max_tokens": "n_predict"}),
            stream=fields.read_flag(body, "stream"),
            private=fields.read_private(body),
        )

    def whole(self, asked: Asked, answered: Answered) -> Json:  # noqa: ARG002  # the shape is the same for all
        """See `WireFormat.whole`."""
        return _end(answered, answered.replies[0].text)

    def stream(self, asked: Asked, head: ReplyHead) -> InfillStream:  # noqa: ARG002  # the same for all
        """See `WireFormat.stream`."""
        return InfillStream()

    def refuse(self, refusal: ApiRefusal) -> Json:
        """See `WireFormat.refuse`."""
        return refusal_json(refusal)


class InfillStream:
    """The pieces of one reply."""

    def begin(self) -> bytes:
        """See `StreamWriter.begin`: nothing."""
        return b""

    def alive(self, waiting: Waiting) -> bytes:
        """See `StreamWriter.alive`."""
        return sse.comment(waiting.text)

    def text(self, piece: str, index: int = 0) -> bytes:
        """See `StreamWriter.text`."""
        return sse.event({"index": index, "content": piece, "stop": False})

    def finish(self, reply: ChatReply, index: int = 0) -> bytes:  # noqa: ARG002  # the end says all
        """See `StreamWriter.finish`: nothing."""
        return b""

    def end(self, answered: Answered) -> bytes:
        """See `StreamWriter.end`."""
        return sse.event(_end(answered, ""))

    def fail(self, refusal: ApiRefusal) -> bytes:
        """See `StreamWriter.fail`."""
        return sse.event(refusal_json(refusal))


def _end(answered: Answered, text: str) -> Json:
    cut = answered.replies[0].finish_reason.is_cut
    return {
        "index": 0,
        "content": text,
        "stop": True,
        "model": answered.head.model,
        "stop_type": "limit" if cut else "eos",
        "truncated": False,
        "tokens_evaluated": answered.usage.prompt or 0,
        "tokens_predicted": answered.usage.completion or 0,
        **answered.head.told,
    }


def _text(body: Json, name: str) -> str:
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise RefusedAsk.bad(f"{name} must be a text", name)
    return value


def _extra(value: object) -> str:
    found = value if isinstance(value, list) else []
    pieces = [piece for piece in found if isinstance(piece, dict) and isinstance(piece.get("text"), str)]
    return "".join(f"{piece.get('filename', '')}\n{piece['text']}\n\n" for piece in pieces)

"""llama.cpp in a process of our own, by `xllamacpp` (extra `[embedded]`): no server to install, a GGUF file is enough.

JSON forms go by `/apply-template` and `/v1/completions`, because the chat route takes no notice of them under that parser, and
tool calls are read from the text between Qwen's tags. Both measured with xllamacpp 2026.10.

It runs in a child (`llamacpp_process`), which is spoken to as any OpenAI-compatible API. Measured choices
(library facts, section 3): `force_pure_content_parser`, because other parsers answer 500 to some texts; half of the cores,
because llama.cpp with as many threads as cores is 20 times slower on a busy machine; `offline`, so that nothing is fetched.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import mmap
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.core.chat import AnswerFormat, ToolUse
from bridge.core.errors import MissingExtra, ModelMissing, NotSupported
from bridge.core.options import DEFAULT_NUM_CTX
from bridge.engines.base import (
    Answer,
    Capabilities,
    EngineModel,
    Health,
    OnProgress,
    OnToken,
    Request,
    Stop,
    ignore_progress,
    ignore_token,
)
from bridge.engines.json_api import JsonApi
from bridge.engines.llamacpp_process import LlamaProcess
from bridge.engines.openai import embed_texts, stream_answer
from bridge.kernel.catalogue import longest_context
from bridge.kernel.fit import load_limit_s
from bridge.protocols.openai import write_messages, write_request

#: How much of a GGUF's head is looked through for what its vocabulary and template hold.
_HEAD_BYTES = 64 << 20
#: Qwen's tokens for fill-in-the-middle (https://github.com/QwenLM/Qwen3-Coder, README).
_FIM = "<|fim_prefix|>{before}<|fim_suffix|>{after}<|fim_middle|>"


class LlamaCppEngine:
    """One GGUF file, loaded when it is first needed, and again if the child dies."""

    name = "llamacpp"

    def __init__(
        self,
        gguf: Path | str,
        *,
        lanes: int = 1,
        num_ctx: int = DEFAULT_NUM_CTX,
        threads: int | None = None,
        gpu_layers: int = -1,
        load_s: float | None = None,
        silence_s: float = 300.0,
        called: str | None = None,
        embeddings: bool = False,
        yarn: bool = False,
    ) -> None:
        """`num_ctx` tokens for each of `lanes` requests at the same time. `threads`: default half of the cores.

        `gpu_layers`: -1 leaves it to llama.cpp. `load_s`: seconds that loading may take; default: by the
        file's size, see `fit.load_limit_s`. `called`: the model's name; default: that of the file, without its ending.
        `yarn`: stretch a window that is longer than the model was trained for; short texts may suffer. `embeddings`: give those as well; not by default, because
        llama.cpp then computes the output of every token of a prompt.

        Raises:
            MissingExtra: xllamacpp is not installed.
        """
        if importlib.util.find_spec("xllamacpp") is None:
            raise MissingExtra("xllamacpp", "embedded")
        self._gguf = Path(gguf)
        self._called = called or self._gguf.stem
        plan = {
            "gguf": str(self._gguf),
            "lanes": lanes,
            "num_ctx": num_ctx,
            "threads": threads or max(1, (os.cpu_count() or 2) // 2),
            "gpu_layers": gpu_layers,
            "embeddings": embeddings,
            "yarn_from": _trained_for(self._called, self._gguf) if yarn else 0,
        }
        if load_s is None:
            load_s = load_limit_s(sum(part.stat().st_size for part in parts_of(self._gguf) if part.is_file()))
        self._num_ctx, self._embeddings = num_ctx, embeddings
        self._able: Capabilities | None = None
        self._process = LlamaProcess(self._gguf, plan, load_s=load_s, silence_s=silence_s)

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`; `num_ctx` is the one that the file was loaded with."""
        request.check()
        self.capabilities(request.model).require(request, request.model)
        tools = [tool.name for tool in request.tools] if request.tool_choice.use is not ToolUse.NONE else []

        def ask(api: JsonApi) -> Answer:
            path, body = _question(api, request)
            return stream_answer(api, path, body, request, on_token, stop, calls_in_text=tools)

        return replace(self._process.ask(ask), model=request.model)

    def capabilities(self, model: str) -> Capabilities:
        """See `Engine.capabilities`: what the file's template and vocabulary hold."""
        self._check_model(model)
        if self._able is None:
            tools, middle = self._head_holds(b"tool_calls", b"<|fim_prefix|>")
            self._able = Capabilities(
                tools=tools,
                json_schema=True,
                suffix=middle,
                embeddings=self._embeddings,
                exact_counts=True,
                context_tokens=self._num_ctx,
            )
        return self._able

    def count_tokens(self, request: Request) -> int:
        """See `Engine.count_tokens`: by llama.cpp's tokenizer; nothing is answered."""
        request.check()
        self.capabilities(request.model).require(request, request.model)

        def count(api: JsonApi) -> int:
            if request.suffix is not None:
                told = {"content": _middle(request), "add_special": True, "parse_special": True}
                return len(api.post("/tokenize", told)["tokens"])
            return int(api.post("/v1/chat/completions/input_tokens", _chat_body(request))["input_tokens"])

        return self._process.ask(count)

    def embed(self, texts: Sequence[str], model: str) -> tuple[tuple[float, ...], ...]:
        """See `Engine.embed`: the mean over a text's tokens."""
        if not self.capabilities(model).embeddings:
            raise NotSupported(f"{self._called} was loaded without embeddings")
        return self._process.ask(lambda api: embed_texts(api, "/v1/embeddings", texts, model))

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:  # noqa: ARG002  # it is the one that it was made with
        """See `Engine.load`: starts the child."""
        self._check_model(model)
        self._process.running()

    def unload(self, model: str) -> None:
        """See `Engine.unload`: ends the child."""
        self._check_model(model)
        self.close()

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`: the one file, with its further parts."""
        if not self._gguf.is_file():
            return ()
        return (EngineModel(name=self._called, size_bytes=sum(part.stat().st_size for part in parts_of(self._gguf))),)

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`: there is only the file."""
        self._check_model(model)
        on_progress("success", 0, 0)

    def remove(self, model: str) -> None:
        """See `Engine.remove`: it is somebody's own file."""
        self._check_model(model)
        raise NotSupported(f"{self._gguf} is a file of yours: delete it yourself")

    def health(self) -> Health:
        """See `Engine.health`: whether there is a file to load, and what became of the last loading."""
        if not self._gguf.is_file() or self._process.refused:
            return Health(ok=False, detail=self._process.refused or f"there is no file {self._gguf}")
        version = importlib.metadata.version("xllamacpp")
        detail = f"llama.cpp with {self._gguf.name}"
        return Health(ok=True, detail=detail, version=version, loaded=(self._called,) if self._process.runs else ())

    def close(self) -> None:
        """End the child."""
        self._process.close()

    def _check_model(self, model: str) -> None:
        if model not in (self._called, str(self._gguf), self._gguf.name, self._gguf.stem):
            raise ModelMissing(f"the embedded engine has {self._called}, not {model!r}")
        if not self._gguf.is_file():
            raise ModelMissing(f"there is no file {self._gguf}")

    def _head_holds(self, *needles: bytes) -> tuple[bool, ...]:
        """Whether the file's head holds these: vocabulary and template stand before the weights."""
        with self._gguf.open("rb") as file:
            size = min(_HEAD_BYTES, self._gguf.stat().st_size)
            if not size:
                return (False,) * len(needles)
            with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as head:
                return tuple(head.find(needle) >= 0 for needle in needles)


def _trained_for(called: str, gguf: Path) -> int:
    """Tokens of a model that has YaRN. Raises NotSupported."""
    for name in (called, gguf.stem):
        if longest_context(name, yarn=True):
            return longest_context(name) or 0
    raise NotSupported(f"{called} is not known to read longer texts by YaRN: the 7b, 14b and 32b of Qwen2.5-Coder do")


def parts_of(gguf: Path) -> tuple[Path, ...]:
    """The files of a model, by its first."""
    return tuple(sorted(gguf.parent.glob(gguf.name.replace("-00001-of-", "-*-of-")))) if _is_split(gguf) else (gguf,)


def _is_split(gguf: Path) -> bool:
    return "-00001-of-" in gguf.name


def _question(api: JsonApi, request: Request) -> tuple[str, dict[str, Any]]:
    """(path, body) of a request."""
    wanted = request.response_format
    if request.suffix is not None:
        return "/v1/completions", {"prompt": _middle(request)}
    body = _chat_body(request)
    if wanted.kind is AnswerFormat.TEXT:
        return "/v1/chat/completions", body
    prompt = api.post("/apply-template", body)["prompt"]
    # Without the hint the grammar lets a small model write white space for ever (library facts, section 3).
    schema = {**(wanted.schema or {"type": "object"}), "x-guidance": {"whitespace_flexible": False}}
    return "/v1/completions", {"prompt": prompt, "json_schema": schema}


def _chat_body(request: Request) -> dict[str, Any]:
    wire = write_request(request)
    tools = wire.get("tools") if request.tool_choice.use is not ToolUse.NONE else None
    return {"messages": write_messages(request.messages), **({"tools": tools} if tools else {})}


def _middle(request: Request) -> str:
    return _FIM.format(before=request.prompt, after=request.suffix)

"""Providers that `bridge engines add` knows: where each is, what its key is called, and a model to begin with. Pure.

Addresses: each provider's documentation of its OpenAI-compatible endpoint. Keys never stand here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A table `[engines.NAME]` that is ready but for its key."""

    kind: str
    base_url: str | None
    model: str
    key_env: str | None
    context: int  #: tokens that the model reads
    private: bool = False  #: prompts that are marked private may be sent to it

    def table(self, name: str, *, model: str | None = None, keyring: str | None = None) -> str:
        """The table as TOML. `keyring`: the entry that holds the key, in place of the variable."""
        key = ("keyring", keyring) if keyring else ("key_env", self.key_env)
        texts = [("kind", self.kind), ("base_url", self.base_url), ("model", model or self.model), key]
        lines = [f'{key} = "{value}"' for key, value in texts if value]
        lines += [f"context = {self.context}", *(["private = true"] if self.private else [])]
        return f"[engines.{name}]\n" + "\n".join(lines) + "\n"


def _api(base_url: str, model: str, key_env: str, context: int, *, kind: str = "openai") -> Preset:
    return Preset(kind=kind, base_url=base_url, model=model, key_env=key_env, context=context)


PRESETS: Mapping[str, Preset] = {
    "gemini": _api("https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-flash", "GEMINI_API_KEY", 1_048_576),
    "groq": _api("https://api.groq.com/openai/v1", "llama-3.3-70b-versatile", "GROQ_API_KEY", 131_072),
    "openai": _api("https://api.openai.com/v1", "gpt-4.1-mini", "OPENAI_API_KEY", 1_047_576),
    "anthropic": _api("https://api.anthropic.com/v1", "claude-sonnet-4-5", "ANTHROPIC_API_KEY", 200_000, kind="anthropic"),
    "minimax": _api("https://api.minimax.io/v1", "MiniMax-M2", "MINIMAX_API_KEY", 204_800),
    "openrouter": _api("https://openrouter.ai/api/v1", "qwen/qwen-2.5-coder-32b-instruct", "OPENROUTER_API_KEY", 32_768),
    "ollama": Preset(kind="ollama", base_url=None, model="qwen2.5-coder:14b", key_env=None, context=32_768, private=True),
}  # fmt: skip

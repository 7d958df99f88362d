"""The catalogue of models that Codex asks for: `GET /v1/models?client_version=…`. Pure.

Codex reads `{"models": [...]}` of a schema of its own, and drops the whole list if one entry lacks a field. A model that it does
not find there gets metadata that it makes up, with a warning, and a window that is not the model's.
Source: https://github.com/openai/codex, codex-rs/protocol/src/openai_models.rs, `ModelInfo`; tried with 0.169.0.
"""

from __future__ import annotations

from bridge.protocols.asked import Json

#: Only Codex sends it.
QUERY = "client_version"
#: Codex has none of its own for a model from a catalogue. Short, for models that follow few rules better than many.
INSTRUCTIONS = """\
You are a coding agent. You work in a terminal, in the user's project, until the task is done.

- Look before you change anything: list files, search, read what matters.
- Work in steps: call a tool, read what it gives, then decide what is next.
- Change only what the task needs, in the style of the code around it. Leave alone what you did not change yourself.
- Do not commit, install or delete anything unless you are asked to.
- When you have changed something, run it or its tests if that is quick.
- At the end say in a few lines what you changed and what you did not check.
"""
#: Of what a tool gives, how much goes back to the model, in tokens.
_OUTPUT_TOKENS = 4_000


def codex_model(name: str, *, window: int, place: int) -> Json:
    """The entry of one model. `window`: tokens for prompt and answer together; `place`: in the list, from 0."""
    return {
        "slug": name,
        "display_name": name,
        "description": "A model of Qwen Bridge.",
        "visibility": "list",
        "supported_in_api": True,
        "priority": place,
        "context_window": window,
        "base_instructions": INSTRUCTIONS,
        "shell_type": "shell_command",
        "apply_patch_tool_type": None,
        "experimental_supported_tools": [],
        "input_modalities": ["text"],
        "supports_parallel_tool_calls": True,
        "supported_reasoning_levels": [],
        "supports_reasoning_summaries": False,
        "support_verbosity": False,
        "default_verbosity": None,
        "truncation_policy": {"mode": "tokens", "limit": min(_OUTPUT_TOKENS, window // 4)},
        "upgrade": None,
    }

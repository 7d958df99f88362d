"""The settings by which each coding agent asks the gateway: which file, and what it says. Pure: texts in, texts out.

Formats: what `make clients` runs (docs/gateway.md). What a person wrote stays; keys of ours that were there are commented out.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.core.errors import ConfigError

BEGIN, END = "# >>> qwen-bridge", "# <<< qwen-bridge"


@dataclass(frozen=True, kw_only=True)
class GatewayAddress:
    """Where agents find the gateway, and the model that they ask for."""

    url: str = "http://localhost:11452"  #: without a path
    model: str = "auto"  #: the router chooses


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent."""

    file: str  #: its settings, from the home folder
    changed: Callable[[str, GatewayAddress], str]  #: the file's text with ours in it; raises ConfigError
    then: str  #: how it is started


def _toml(text: str, at: GatewayAddress) -> str:
    """Codex: two keys above the first table, and a table at the end."""
    if re.search(r"(?m)^\s*\[model_providers\.bridge\]", text):
        raise ConfigError("it has [model_providers.bridge] already: change it there, or take it out first")
    head, table = _split_toml(text)
    kept = _commented(head, ("model", "model_provider"), r"\s*=")
    top = f'{BEGIN}\nmodel = "{at.model}"\nmodel_provider = "bridge"\n{END}\n'
    provider = f'name = "Qwen Bridge"\nbase_url = "{at.url}/v1"\nwire_api = "responses"\nauth = {{ command = "echo", args = ["any"] }}\n'
    new = f"{top}{kept}{table.rstrip()}\n\n{BEGIN}\n[model_providers.bridge]\n{provider}{END}\n"
    try:
        tomllib.loads(new)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"it cannot be read as TOML ({error}): correct it first") from None
    return new


def _split_toml(text: str) -> tuple[str, str]:
    first = re.search(r"(?m)^\s*\[", text)
    return (text[: first.start()], text[first.start() :]) if first else (text, "")


def _flat(
    lines: Callable[[GatewayAddress], Sequence[tuple[str, str]]], mark: str
) -> Callable[[str, GatewayAddress], str]:
    """A file of `key MARK value` lines: YAML without levels, or variables."""

    def changed(text: str, at: GatewayAddress) -> str:
        ours = lines(at)
        kept = _commented(text, [key for key, _ in ours], re.escape(mark.strip()))
        block = "".join(f"{key}{mark}{value}\n" for key, value in ours)
        return f"{kept.rstrip()}\n\n{BEGIN}\n{block}{END}\n".lstrip("\n")

    return changed


def _json(ours: Callable[[GatewayAddress], Mapping[str, object]]) -> Callable[[str, GatewayAddress], str]:
    """A file of JSON: ours is merged into it."""

    def changed(text: str, at: GatewayAddress) -> str:
        try:
            held = json.loads(text) if text.strip() else {}
        except ValueError as error:
            raise ConfigError(f"it cannot be read as JSON ({error}): add what is printed here by hand") from None
        if not isinstance(held, dict):
            raise ConfigError("it holds no JSON object: add what is printed here by hand")
        return json.dumps(_merged(held, ours(at)), indent=2, ensure_ascii=False) + "\n"

    return changed


def _merged(held: Mapping[str, object], ours: Mapping[str, object]) -> dict[str, object]:
    merged = dict(held)
    for key, value in ours.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _continue(text: str, at: GatewayAddress) -> str:
    """Continue: one model more, first in its list."""
    item = f'- {{name: Qwen Bridge, provider: openai, model: "{at.model}", apiBase: "{at.url}/v1", apiKey: any}}'
    if not text.strip():
        return f"name: Bridge\nversion: 1.0.0\nschema: v1\nmodels:\n  {item}\n"
    listed = re.search(r"(?m)^models:[ \t]*\n(?P<indent>[ \t]*)- ", text)
    if listed is not None:
        at_line = listed.start("indent")
        return f"{text[:at_line]}{listed['indent']}{item}  {BEGIN} <<<\n{text[at_line:]}"
    if re.search(r"(?m)^models:", text):
        raise ConfigError("its models are written in a way that cannot be added to: add what is printed here by hand")
    return f"{text.rstrip()}\nmodels:\n  {item}\n"


def _commented(text: str, keys: Sequence[str], mark: str) -> str:
    names = "|".join(map(re.escape, keys))
    return re.sub(rf"(?m)^(?=(?:{names}){mark})", "# qwen-bridge: was ", text)


AGENTS: Mapping[str, Agent] = {
    "codex": Agent(file=".codex/config.toml", changed=_toml, then="codex"),
    "claude": Agent(
        file=".claude/settings.json",
        changed=_json(
            lambda at: {"env": {"ANTHROPIC_BASE_URL": at.url, "ANTHROPIC_AUTH_TOKEN": "any", "ANTHROPIC_MODEL": at.model}}
        ),
        then="claude",
    ),
    "opencode": Agent(
        file=".config/opencode/opencode.json",
        changed=_json(
            lambda at: {
                "provider": {"bridge": {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": f"{at.url}/v1"}, "models": {at.model: {}}}},
                "model": f"bridge/{at.model}",
            }
        ),
        then="opencode",
    ),
    "aider": Agent(
        file=".aider.conf.yml",
        changed=_flat(
            lambda at: [("model", f"openai/{at.model}"), ("openai-api-base", f"{at.url}/v1"), ("openai-api-key", "any"), ("show-model-warnings", "false")],
            ": ",
        ),
        then="aider",
    ),
    "continue": Agent(file=".continue/config.yaml", changed=_continue, then="cn"),
    "qwen": Agent(
        file=".qwen/.env",
        changed=_flat(
            lambda at: [("OPENAI_BASE_URL", f"{at.url}/v1"), ("OPENAI_API_KEY", "any"), ("OPENAI_MODEL", at.model)], "="
        ),
        then="qwen --auth-type openai",
    ),
}  # fmt: skip

"""Where the hub has a model of the catalogue as GGUF, and which of the files there are it. Pure.

Repositories: Qwen's own for Qwen2.5-Coder; for Qwen3-Coder, of which Qwen publishes no GGUF, that of Unsloth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.kernel.catalogue import FAMILY, known_name

_DEFAULT = "q4_k_m"


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """A model on the hub."""

    repo: str
    stem: str  #: how its files begin, in small letters
    quantization: str  #: in small letters

    def pick(self, names: Iterable[str]) -> tuple[str, ...]:
        """Its files: the whole one, else all parts in order; empty: it is not there, or not complete."""
        base = re.escape(f"{self.stem}-{self.quantization}")
        listed = list(names)
        if whole := [name for name in listed if re.fullmatch(rf"{base}\.gguf", name.lower())]:
            return (whole[0],)
        parts: Mapping[str, str] = {
            f"{found[1]}/{found[2]}": name
            for name in listed
            if (found := re.fullmatch(rf"{base}-(\d{{5}})-of-(\d{{5}})\.gguf", name.lower()))
        }
        for count in sorted({place.partition("/")[2] for place in parts}):
            wanted = [f"{number:05d}/{count}" for number in range(1, int(count) + 1)]
            if all(place in parts for place in wanted):
                return tuple(parts[place] for place in wanted)
        return ()


def repository(size: str) -> str:
    """The hub's name of Qwen2.5-Coder of a size such as `7b`."""
    return f"Qwen/Qwen2.5-Coder-{size.upper()}-Instruct-GGUF"


def on_hub(name: str) -> HubModel | None:
    """Where the hub has a model, by any spelling of its name, or by the size of Qwen2.5-Coder alone; None: nowhere known."""
    known = known_name(name) or known_name(f"{FAMILY}:{name}")
    if known is None:
        return None
    plain, _, quantization = known.partition("-instruct-")
    family, _, size = plain.partition(":")
    if family == FAMILY:
        repo, stem = repository(size), f"{FAMILY}-{size}-instruct"
    elif plain == "qwen3-coder:30b":
        repo, stem = "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF", "qwen3-coder-30b-a3b-instruct"
    else:
        return None
    return HubModel(repo=repo, stem=stem, quantization=quantization or _DEFAULT)

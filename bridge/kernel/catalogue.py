"""The models that are known by name: their files, their memory, how much of them a token reads, how long a text they take. Pure.

Sizes: fact 6.7 (Q4_K_M, as `ollama pull` fetches them); of qwen3-coder and devstral, Ollama's library. KV cache: fact 6.8, layers
x KV heads x head size x 2 (K and V) x 2 bytes (f16), from the model cards. Context lengths: the cards' config, facts on clients
section 4; YaRN stretches the larger ones of Qwen2.5-Coder by four.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

FAMILY = "qwen2.5-coder"
#: For jobs that name no model, where nobody says otherwise.
DEFAULT_MODEL = f"{FAMILY}:32b"


@dataclass(frozen=True, kw_only=True)
class ModelSize:
    """What a model needs."""

    name: str
    weights_bytes: int
    kv_bytes_per_token: int
    active_share: float = 1.0  #: of the weights, what one token reads; below 1 in a mixture of experts
    context_tokens: int | None = None  #: the longest that it was trained for; None: not known
    yarn_tokens: int | None = None  #: the longest with YaRN; None: it has none


_K = 1024

#: Largest first, which is the order `auto` tries.
SIZES: tuple[ModelSize, ...] = tuple(
    ModelSize(
        name=f"{FAMILY}:{tag}", weights_bytes=weights, kv_bytes_per_token=kv, context_tokens=32 * _K, yarn_tokens=yarn
    )
    for tag, weights, kv, yarn in (
        ("32b", 20_000_000_000, 64 * 8 * 128 * 4, 128 * _K),  # 256 KiB a token
        ("14b", 9_000_000_000, 48 * 8 * 128 * 4, 128 * _K),  # 192 KiB
        ("7b", 4_700_000_000, 28 * 4 * 128 * 4, 128 * _K),  # 56 KiB
        ("3b", 1_900_000_000, 36 * 2 * 128 * 4, None),  # 36 KiB
        ("1.5b", 986_000_000, 28 * 2 * 128 * 4, None),  # 28 KiB
        ("0.5b", 531_000_000, 24 * 2 * 64 * 4, None),  # 12 KiB; 398 or 531 MB, sources differ: the larger
    )
)

#: Coder models of other families. `auto` does not fetch them unasked.
NEWER: tuple[ModelSize, ...] = tuple(
    ModelSize(name=name, weights_bytes=weights, kv_bytes_per_token=kv, active_share=share, context_tokens=context)
    for name, weights, kv, share, context in (
        ("qwen3-coder:480b", 290_000_000_000, 62 * 8 * 128 * 4, 35 / 480, 256 * _K),
        ("qwen3-coder-next", 52_000_000_000, 12 * 2 * 256 * 4, 3 / 80, 256 * _K),  # a quarter of its layers has a cache
        ("qwen3-coder:30b", 18_600_000_000, 48 * 4 * 128 * 4, 3.3 / 30.5, 256 * _K),
        ("devstral-small-2:24b", 15_200_000_000, 40 * 8 * 128 * 4, 1.0, 256 * _K),  # reads images, too: 0.9 GB of it
        ("devstral:24b", 14_300_000_000, 40 * 8 * 128 * 4, 1.0, 128 * _K),
    )
)
CATALOGUE = SIZES + NEWER

#: What a name without a size means: the tag `latest` of Ollama's library.
_LATEST = {
    FAMILY: f"{FAMILY}:7b",
    "qwen3-coder": "qwen3-coder:30b",
    "devstral": "devstral:24b",
    "devstral-small-2": "devstral-small-2:24b",
}
#: Bits a weight, by the kind of quantisation (llama.cpp, tools/quantize); of Q4 that of Q4_K_M.
_BITS = {
    "f32": 32.0, "f16": 16.0, "q8": 8.5, "q6": 6.56, "q5": 5.7, "q4": 4.89, "q3": 4.0, "q2": 3.16,
    "iq4": 4.46, "iq3": 3.6, "iq2": 2.7, "iq1": 2.0, "mxfp4": 4.3,
}  # fmt: skip
_KIND = r"b?f(?:p?16|p?32)|i?q[1-8](?:_[a-z0-9_]+)?|mxfp4"
_QUANTISED = re.compile(r"[-_:.](?:b?fp?(?P<bits>16|32)|(?P<kind>i?q[1-8]|mxfp4)(?:_[a-z0-9_]+)?)$")
#: The spellings of a name: Ollama's, a GGUF file's, the hub's, and `qwencoder-1.5b`, as some callers say.
_SPELLED = re.compile(
    r"(?:.*/)?(?P<family>qwen3-coder-next|qwen3-coder|qwen2\.5-coder|qwen-?coder|devstral-small-2|devstral)"
    r"(?:[-:](?P<size>\d+(?:\.\d+)?b))?(?:-a\d+b)?(?P<base>-base)?(?:-(?:it|instruct|gguf))*"
    rf"(?:[-_:.](?P<kind>{_KIND}))?"
)


def known_name(name: str) -> str | None:
    """Ollama's name of a model of the catalogue, whatever its spelling; a quantisation stays. None: not in the catalogue.

    `qwencoder-1.5b` is `qwen2.5-coder:1.5b`; `Qwen2.5-Coder-7B-Instruct-Q8_0` is `qwen2.5-coder:7b-instruct-q8_0`.
    """
    found = _SPELLED.fullmatch(_bare(name))
    plain = _plain(found)
    if found is None or plain is None or found["base"]:
        return None
    return plain if found["kind"] in (None, "q4_k_m") else f"{plain}-instruct-{found['kind']}"


def size_of(model: str) -> ModelSize | None:
    """What a model needs, by its name and quantisation; one like `foo:8b` is estimated from its billions, another is not known."""
    known = _plain(_SPELLED.fullmatch(_bare(model)))
    bits = bits_of(model)
    for size in CATALOGUE:
        if known == size.name:
            return replace(size, weights_bytes=int(size.weights_bytes * bits / _BITS["q4"]))
    weights = int(billions(model) * 1e9 * bits / 8)
    if not weights:
        return None
    like = min(SIZES, key=lambda size: abs(size.weights_bytes - weights))
    share = active_billions(model) / billions(model) or 1.0
    return ModelSize(
        name=model, weights_bytes=weights, kv_bytes_per_token=like.kv_bytes_per_token, active_share=min(1.0, share)
    )


def _bare(name: str) -> str:
    return name.lower().removesuffix(".gguf").removesuffix(":latest")


def _plain(found: re.Match[str] | None) -> str | None:
    """The catalogue's name without quantisation."""
    if found is None:
        return None
    family = FAMILY if found["family"] in ("qwencoder", "qwen-coder") else found["family"]
    plain = f"{family}:{found['size']}" if found["size"] else _LATEST.get(family, family)
    return plain if any(plain == size.name for size in CATALOGUE) else None


def bits_of(name: str) -> float:
    """Bits a weight, as the end of a name says; Ollama's default is Q4_K_M."""
    found = _QUANTISED.search(_bare(name))
    if found is None:
        return _BITS["q4"]
    return _BITS[found["kind"] or "f" + found["bits"]]


def billions(name: str) -> float:
    """Parameters in billions, as a name such as qwen2.5-coder:14b-instruct-q4_K_M says; 0: it does not."""
    found = re.search(r"(?<![\d.a-z])(\d+(?:\.\d+)?)b(?![a-z])", name.lower())
    return float(found[1]) if found else 0.0


def active_billions(name: str) -> float:
    """Parameters in billions that a token reads, as `30b-a3b` says; 0: the name does not."""
    found = re.search(r"(?<=-)a(\d+(?:\.\d+)?)b(?![a-z])", name.lower())
    return float(found[1]) if found else 0.0


def longest_context(model: str, *, yarn: bool = False) -> int | None:
    """The longest text in tokens that a model of the catalogue reads; None: not known, or it has no YaRN."""
    size = size_of(model)
    return None if size is None else size.yarn_tokens if yarn else size.context_tokens

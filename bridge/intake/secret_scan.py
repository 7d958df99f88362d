"""Secrets that should not get into a notebook that other people and services read.

The patterns are those of detect-secrets (https://github.com/Yelp/detect-secrets), used locally and without its network
checks, and a few tokens that it does not know. Entropy and keyword detectors are left out: prompts are full of code in
which `password = "..."` is an example. A quick look for anything long enough to be a token comes first, because most
prompts hold none: 10,000 prompts are looked through in well under a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from bridge.core.errors import SecretFound

#: No pattern below matches a line that this does not.
_WORTH_A_LOOK = re.compile(r"[A-Za-z0-9_\-]{20}|PRIVATE KEY|PuTTY-User|://[^/\s]{1,200}@|\d{8,10}:")

#: Not in detect-secrets 1.5. Formats as their issuers document them.
_MORE = {
    "Google API Key": r"\bAIza[0-9A-Za-z_\-]{35}\b",
    "Anthropic Key": r"\bsk-ant-[a-z0-9]+-[A-Za-z0-9_\-]{20,}",
    "OpenAI Key": r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{20,}",
    "Hugging Face Token": r"\bhf_[A-Za-z0-9]{30,}\b",
    "GitHub Fine-grained Token": r"\bgithub_pat_[A-Za-z0-9_]{40,}",
    "Supabase Secret Key": r"\bsb_secret_[A-Za-z0-9_\-]{20,}",
}

#: A public address is no secret, and the Artifactory pattern takes ordinary words for keys.
_LEFT_OUT = frozenset({"IPPublicDetector", "ArtifactoryDetector"})

_PLACEHOLDER = re.compile(
    r"(?i)pass(?:word|wd)?\d*|secret|pwd|user(?:name)?|x+|\*+|<.*|\$.*|\{.*|%.*|changeme|example|postgres|root"
)


def scan_for_secrets(texts: Iterable[tuple[str, str]]) -> None:
    """Refuse texts, given as (where, text), that seem to hold a secret.

    Raises:
        SecretFound: with place, line and kind of each; never the secret itself.
    """
    findings = [
        (where, number, kind)
        for where, text in texts
        if _WORTH_A_LOOK.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if _WORTH_A_LOOK.search(line)
        for kind in _kinds(line)
    ]
    if findings:
        raise SecretFound(findings)


def _kinds(line: str) -> list[str]:
    kinds = {kind for kind, pattern in _patterns() if pattern.search(line)}
    for detector in _detectors():
        found = set(detector.analyze_string(line))
        if type(detector).__name__ == "BasicAuthDetector":
            found = {text for text in found if not _PLACEHOLDER.fullmatch(text)}
        if found:
            kinds.add(detector.secret_type)
    return sorted(kinds)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(pattern)) for kind, pattern in _MORE.items())


@cache
def _detectors() -> tuple[Any, ...]:
    # Some 100 ms to import, and rarely needed: so not at the top.
    import importlib
    import pkgutil

    import detect_secrets.plugins as family
    from detect_secrets.plugins.base import RegexBasedDetector

    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(family.__path__):
        for name, member in vars(importlib.import_module(f"{family.__name__}.{module.name}")).items():
            concrete = (
                isinstance(member, type) and issubclass(member, RegexBasedDetector) and member is not RegexBasedDetector
            )
            if concrete and name not in _LEFT_OUT:
                found[name] = member()
    return tuple(found[name] for name in sorted(found))

"""Which language a block is in and what it is for. Pure.

The order is that of `LanguageSource`: path, label, shebang, prompt, sibling, scorer. A witness is set aside only if the
text itself contradicts it and a second one agrees with the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.checking.extraction import paths
from bridge.checking.language import detect as scorer
from bridge.checking.language import languages
from bridge.checking.values import LanguageSource, PathSource, Role


@dataclass(frozen=True, kw_only=True)
class BlockContext:
    """What is known beside the block itself."""

    asked: str | None = None  #: language that the caller asked for
    named: tuple[str, ...] = ()  #: languages that the prompt names
    siblings: tuple[str, ...] = ()  #: languages of the answer's other blocks, most frequent first
    alone: bool = True  #: the answer has no other block with code
    line_before: str = ""  #: last line before the fence that is not blank


@dataclass(frozen=True, kw_only=True)
class Named:
    """A language with its source; a path that it made implausible is gone."""

    language: str | None
    source: LanguageSource | None = None
    confidence: float = 0.0
    path: paths.FoundPath | None = None


def language(code: str, info: str, path: paths.FoundPath | None, around: BlockContext) -> Named:
    """The block's language, and its path as far as that can be meant for this text."""
    word = info.split()[0].partition(":")[0] if info.split() else ""
    label = languages.by_label(word)
    by_path = languages.by_path(path.text) if path else None
    if path and by_path and not _contradicts(code, by_path, label, path):
        return Named(language=by_path, source=LanguageSource.PATH, confidence=0.98, path=path)
    if path and by_path:
        path = None
    if label:
        better = _mislabelled(code, label, around)
        if better:
            return Named(language=better, source=LanguageSource.PROMPT, confidence=0.8, path=path)
        return Named(language=label, source=LanguageSource.LABEL, confidence=0.95, path=path)
    if word and re.fullmatch(r"[A-Za-z][\w+#-]{0,30}", word) and not path:
        return Named(language=word.lower(), source=LanguageSource.LABEL, confidence=0.5)
    if shebang := languages.by_shebang(code):
        return Named(language=shebang, source=LanguageSource.SHEBANG, confidence=0.95, path=path)
    return _unlabelled(code, path, around)


def _contradicts(code: str, by_path: str, label: str | None, path: paths.FoundPath) -> bool:
    """Whether a path that stands near a block cannot be the block's own."""
    if path.source is PathSource.INFO:
        return False
    body = "\n".join(line for line in code.split("\n") if not paths.in_comment(line)).strip()
    if by_path in ("json", "jsonc") and body and body[0] not in '[{"':
        return True
    if label is None or languages.related(by_path, label) or label in languages.TEXT:
        return False
    ranked = scorer.scores(body)
    return ranked.get(label, 0) > 2 * ranked.get(by_path, 0)


def _mislabelled(code: str, label: str, around: BlockContext) -> str | None:
    """The language that both prompt and text speak for, against a label that the text gives no reason for."""
    wanted = [name for name in (around.asked, *around.named[:1]) if name]
    if not wanted or any(languages.related(label, name) for name in wanted) or label in languages.TERMINAL:
        return None
    ranked = scorer.scores(code, among=[*wanted, label])  # all of them take ten times as long, and are rarely needed
    least = max(8, 3 * ranked.get(label, 0) + 1)
    if all(ranked.get(name, 0) < least for name in wanted):
        return None
    best, score = next(iter(scorer.scores(code).items()))
    return best if best in wanted and score >= least else None


def _unlabelled(code: str, path: paths.FoundPath | None, around: BlockContext) -> Named:
    prompt = [name for name in (around.asked, *around.named) if name]
    found = scorer.detect(code, [*prompt, *around.siblings])
    share = scorer.code_share(code.split("\n"))
    if found is None or found.language == "diff":  # what is a patch was found before
        return Named(language=None, path=path)
    backed = found.language in prompt or found.language in around.siblings
    if share < 0.3 or (not backed and (found.confidence < 0.4 or found.score < 8)):
        return Named(language=None, path=path)
    if backed and found.score < 4 and share < 0.6:
        return Named(language=None, path=path)
    source = LanguageSource.SCORER
    if backed:
        source = LanguageSource.PROMPT if found.language in prompt else LanguageSource.SIBLING
    return Named(language=found.language, source=source, confidence=found.confidence, path=path)


_SAYS_OUTPUT = re.compile(
    r"(?i)\b(?:output|result|stdout|prints?|printed|input|returns?|expected|sample|response|displays?|table|tree"
    r"|looks? like this)\b"
    r"[^.]{0,40}[:*_`\s]*$"
)
_COMMAND = re.compile(
    r"^\s*(?:[$>%#]\s+|PS [^>]*> ?|sudo\s+)?(?:npm|npx|yarn|pnpm|bun|pip3?|pipx|uv|poetry|conda|git|cd|mkdir|ls"
    r"|cp|mv|rm|cat|touch|"
    r"chmod|chown|curl|wget|docker|docker-compose|kubectl|helm|node|deno|python3?|java|javac|go|cargo|rustc|gcc"
    r"|g\+\+|clang|make|"
    r"cmake|dotnet|mvn|gradle|\./\S+|brew|apt|apt-get|yum|dnf|pacman|choco|winget|ng|vue|vite|rails|bundle|gem"
    r"|composer|php|"
    r"ruby|swift|dart|flutter|elixir|mix|source|export|echo|psql|mysql|sqlite3|redis-cli|ssh|scp|systemctl"
    r"|service|ollama|"
    r"pytest|jest|vitest|mocha|tox|black|ruff|eslint|tsc|bash|sh|open|code|terraform|aws|gcloud|az|heroku|vercel"
    r"|flask|uvicorn|"
    r"gunicorn|django-admin|jupyter|colab|nvm|tar|unzip|bridge)\b(?!\s*[=(])"
)


def role(code: str, named: Named, info: str, around: BlockContext) -> Role:
    """What the block is for, as far as its text tells; a check may still find that it is only a fragment."""
    lang = named.language
    lines = [line for line in code.split("\n") if line.strip()]
    if named.path:
        return Role.FILE
    if lang is None or lang in languages.TEXT or (not info and lang not in (around.asked, *around.named)
                                                  and _SAYS_OUTPUT.search(around.line_before)):  # fmt: skip
        return Role.OUTPUT
    if lang == "console" or (lang in languages.TERMINAL and _are_commands(lines, around)):
        return Role.COMMAND
    if lang in languages.DATA and lang not in (around.asked, *around.named) and not around.alone:
        return Role.DATA
    if len(lines) < 3 and not around.alone and lang not in languages.DATA:
        return Role.FRAGMENT
    return Role.FILE


def _are_commands(lines: Sequence[str], around: BlockContext) -> bool:
    if any(re.match(r"\s*(?:\$|PS [^>]*>|C:\\[^>]*>) ?\w", line) for line in lines[:3]):
        return True
    if around.asked in languages.TERMINAL or (not around.asked and set(around.named) & languages.TERMINAL):
        return False
    text = [line for line in lines if not line.lstrip().startswith(("#", "REM ", "::"))]
    plain = sum(bool(_COMMAND.match(line)) or line.startswith((" ", "\t", "-")) for line in text)
    return bool(text) and len(text) <= 20 and plain == len(text) and not lines[0].startswith("#!")

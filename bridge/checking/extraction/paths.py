"""File paths that an answer gives to its code. Pure.

Which of them may be used, `core/paths.py` says: an unsafe one is refused with its reason, never mended, so that a caller who
would write it knows that the model tried.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.checking.language.languages import by_label, by_path
from bridge.checking.values import PathSource
from bridge.core.paths import refuse

#: Dotted words that name a product, not a file.
_PRODUCTS = frozenset(
    [
        "node.js",
        "next.js",
        "vue.js",
        "react.js",
        "express.js",
        "three.js",
        "d3.js",
        "nuxt.js",
        "angular.js",
        "ember.js",
        "backbone.js",
        "socket.io",
        "asp.net",
        "vb.net",
        "ado.net",
        "ml.net",
        "chart.js",
        "moment.js",
        "p5.js",
        "discord.js",
        "solid.js",
        "alpine.js",
        "nest.js",
        "deno.js",
        "bun.js",
        "require.js",
        "underscore.js",
        "jquery.js",
        "e.g",
        "i.e",
        "etc",
    ]
)
_PLAIN_NAMES = frozenset(
    ["dockerfile", "makefile", "jenkinsfile", "procfile", "gemfile", "rakefile", "vagrantfile", "license"]
)
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9+_-]{0,11}$|\.(?:mp3|mp4|7z|h5|f90|f77)$")


@dataclass(frozen=True, kw_only=True)
class FoundPath:
    """A path that stands beside a block."""

    text: str
    source: PathSource


def looks_like_path(text: str) -> bool:
    """Whether a text, alone, is meant as a path of a file. Safe or not does not matter here."""
    if not 1 < len(text) <= 250 or re.search(r"[\s`'\"<>|*?;=,{}$!%&^]", text) or "://" in text:
        return False
    name = re.split(r"[/\\]", text)[-1]
    if not name or name.lower() in _PRODUCTS or name.strip(".") == "" or text.startswith(("www.", "@")):
        return False
    if re.search(r"[()]", re.sub(r"\([\w.-]+\)/", "", text)):
        return False
    if (
        name.lower() in _PLAIN_NAMES
        or by_path(name)
        or (name.startswith(".") and re.fullmatch(r"\.[a-z][\w.-]+", name))
    ):
        return True
    if re.match(r"[A-Za-z]:\\", text) or text.startswith(("../", "/etc/", "~/")):
        return True
    return bool(_EXTENSION.search(name)) and bool(re.search(r"[/\\]", text))


def in_info(info: str) -> FoundPath | None:
    """The path in what follows the opening fence: `js:a.js`, `js a.js`, `js title="a.js"`, `a.js`."""
    if not info.strip():
        return None
    if match := re.search(r"(?:title|file|filename|path|name)\s*=\s*[\"']?([^\"'\s}]+)", info):
        return FoundPath(text=match[1], source=PathSource.INFO) if _could_be(match[1]) else None
    words = info.split()
    label, colon, rest = words[0].partition(":")
    candidates = ([rest] if colon and (by_label(label) or not rest.startswith("\\")) else []) + words[1:2]
    if len(words) == 1 and (not by_label(words[0]) or "/" in words[0]):
        candidates.append(words[0])
    for text in candidates:
        clean = text.strip("\"'`(){}")
        if clean and looks_like_path(clean):
            return FoundPath(text=clean, source=PathSource.INFO)
    return None


def _could_be(text: str) -> bool:
    return looks_like_path(text) or refuse(text) is not None


_BEFORE = re.compile(
    r"^\s*(?:>\s*)*(?:[-*+]\s+|\d{1,3}[.)]\s+|#{1,6}\s+)?(?:\d{1,3}[.)]\s+)?(?:[*_]{1,3})?"
    r"(?:(?:file|filename|file name|path|file path|create|update|new file|updated)\s*:?\s*(?:[*_]{1,3})?\s*:?\s*)?"
    r"[*_`\"'\[(]{0,4}(?P<path>[^\s`*\"']+?)[`*_\"'\])]{0,4}\s*(?:\((?:new|updated|modified|new file)\))?"
    r"\s*(?:[*_]{1,3})?:?\s*(?:[*_]{1,3})?\s*$",
    re.IGNORECASE,
)


def before(line: str) -> FoundPath | None:
    """The path that is all of the line before a fence, under heading marks, bold, backticks and a colon."""
    if len(line) > 300:
        return None
    match = _BEFORE.match(line)
    if not match:
        return None
    text = match["path"].strip("`*:#")
    return FoundPath(text=text, source=PathSource.PREV_LINE) if looks_like_path(text) else None


_COMMENT = re.compile(
    r"^\s*(?://+|#+|--+|;+|%+|\"|'|\(\*|/\*+|<!--|\{/\*|REM\s|\{-)\s*"
    r"(?:(?:file|filename|path)\s*:\s*)?[`*]*(?P<path>[^\s`*]+?)[`*]*\s*(?:\*/\}?|-->|\*\)|-\})?\s*$",
    re.IGNORECASE,
)


def in_comment(line: str) -> FoundPath | None:
    """The path that is all of a comment line."""
    if len(line) > 300 or line.startswith("#!"):
        return None
    match = _COMMENT.match(line)
    if match and looks_like_path(match["path"]):
        return FoundPath(text=match["path"], source=PathSource.FIRST_COMMENT)
    return None


def in_first_lines(code: str) -> FoundPath | None:
    """The path in the first line of some code, or in the second below a shebang, `<?php` or a doctype."""
    lines = [line for line in code.split("\n", 4)[:4] if line.strip()]
    if not lines:
        return None
    found = in_comment(lines[0])
    if (
        not found
        and len(lines) > 1
        and re.match(r"\s*(?:#!|<\?(?:php|xml)|<!doctype|['\"]use )", lines[0], re.IGNORECASE)
    ):
        found = in_comment(lines[1])
    return found

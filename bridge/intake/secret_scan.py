"""Secrets that should not get into a notebook that other people and services read.

Four ways to know one: it begins as an issuer's tokens begin; it has a shape of its own (`secret_rules` holds both); it is a
value that looks random and is given to a name such as `AWS_SECRET`; or it is the password in an address or a header. Values in
base64, and texts put together from quoted pieces, are looked at in the clear as well. Words that stand for a secret
(`password = "changeme"`) are none: prompts are full of examples.

The time is linear in the text: every expression is bounded, and most of them are only tried on runs of characters that are long
enough to be a token, which most prompts do not hold.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice, pairwise

from bridge.core.errors import SecretFound
from bridge.intake.secret_rules import ISSUERS, NAMES, SHAPES, TOKENS

#: What could be a token, or hold one. Longer runs are looked at in pieces that overlap.
_RUN = re.compile(r"[\w.+/~%@|=:-]{12,600}")
_SIGN = re.compile(r"[=:|]{1,3}")
#: Before a value: the name that it is given to.
_GIVEN_TO = re.compile(
    r"(?i)([\w.-][\w. -]{0,60}?)[\"'\]]{0,3}[ \t]{0,5}(?:=>|:{1,3}=|\?=|={1,3}|:{1,3}|\|\||>|,)[\"'`\s(=]{0,6}$"
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}://([^\s/:@\"'<>`]{0,100}):([^\s@/\"'<>`]{3,100})@")
_HEADER = re.compile(
    r"(?i)\b(?:(?:proxy-)?authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token)\s{1,3}|(?:x-)?(?:[a-z]{1,20}-)?"
    r"(?:api-?)?(?:key|token)\s?:\s{1,3})([\w=~.+/-]{16,2000})"
)
_CURL_USER = re.compile(r"\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =]{1,3}[\"']?([^\s:\"']{2,60}):([^\s\"']{4,100})")
_PLACEHOLDER = re.compile(
    r"(?i)(?:my|your|the|a|some|test|dummy|fake|sample|dev)?[-_. ]?(?:pass(?:word|wd|phrase)?|secret|pwd|user(?:name)?|token|key|admin|root"
    r"|postgres|mysql|guest|changeme|example|placeholder|redacted|hunter2|abc123|123456\d*|x+|\*+|\.+)(?:[-_. ]?(?:here|\d{0,4}))?"
    r"|[<$%{].*|.*[{$<(\[].*|.*(?:x{6}|\*{3}|\.{3}|1234567|abcdef|your[-_]|example|placeholder).*"
)
#: Between two quoted pieces that a program puts together.
_JOINT = re.compile(r"[\"']\s{0,3}[+.&]?\s{0,3}[\"']")
#: Before a line of code in an excerpt.
_NUMBERED = re.compile(r"^[> ] *\d+ \| ")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,2000}={0,2}")


def scan_for_secrets(texts: Iterable[tuple[str, str]]) -> None:
    """Refuse texts, given as (where, text), that seem to hold a secret.

    Raises:
        SecretFound: with place, line and kind of each; never the secret itself.
    """
    findings = [(where, line, kind) for where, text in texts for line, kind in secrets_in(text)]
    if findings:
        raise SecretFound(findings)


def scan_for_new_secrets(where: str, text: str, *, known: str) -> None:
    """Refuse a text that seems to hold a secret in a line that `known` does not have: what stands there was let through before.

    Raises:
        SecretFound: as `scan_for_secrets`.
    """
    lines = text.split("\n")
    had = {line.strip() for line in known.split("\n")}
    new = [(where, at, kind) for at, kind in secrets_in(text) if _NUMBERED.sub("", lines[at - 1]).strip() not in had]
    if new:
        raise SecretFound(new)


def secrets_in(text: str) -> list[tuple[int, str]]:
    """(line, kind) of what looks like a secret, each once, in the order of the text."""
    found = dict.fromkeys(_found(text))
    for begin in dict.fromkeys(text.rfind("\n", 0, joint.start()) + 1 for joint in _JOINT.finditer(text)):
        line = _JOINT.sub("", text[begin : begin + 2000].partition("\n")[0])
        found |= dict.fromkeys((begin, kind) for _, kind in _found(line))
    lines = {(text.count("\n", 0, at) + 1, kind): None for at, kind in sorted(found)}
    return list(lines)


def _found(text: str) -> Iterator[tuple[int, str]]:
    for kind, word, shape in _shapes():
        if word in text:
            yield from ((match.start(), kind) for match in shape.finditer(text))
    if "://" in text:
        for match in _ADDRESS.finditer(text):
            if not _PLACEHOLDER.fullmatch(match[2]):
                yield match.start(), "password in an address"
    lower = text.lower()
    for pattern, words, kind in (
        (_HEADER, ("author", "key", "token"), "credentials in a header"),
        (_CURL_USER, ("curl",), "credentials of curl"),
    ):
        for match in pattern.finditer(text) if any(word in lower for word in words) else ():
            value = match[match.lastindex or 1]
            if not _PLACEHOLDER.fullmatch(value) and (pattern is _CURL_USER or _looks_random(value)):
                yield match.start(), kind
    for run in _RUN.finditer(text):
        yield from _in_run(text, run.start(), run[0])


def _in_run(text: str, at: int, run: str) -> Iterator[tuple[int, str]]:
    known = False
    for match in _beginnings().finditer(run):
        fitting = (kind for kind, rest in _rests()[match[0]] if rest.match(run, match.end()))
        if kind := next(fitting, None):
            known = True
            yield at + match.start(), kind
    if known:
        return
    for encoded in _BASE64.finditer(run):
        if (plain := _decoded(encoded[0])) and any(True for _ in _tokens(plain)):
            yield at, "secret in base64"
            return
    for begin in (0, *(sign.end() for sign in islice(_SIGN.finditer(run), 4))):
        name, value = _name_before(text, at + begin), run[begin:].rstrip(".,;:")
        if name and (given := _credential(name, value)):
            yield at, given
            return


def _tokens(text: str) -> Iterator[str]:
    for match in _beginnings().finditer(text):
        yield from (kind for kind, rest in _rests()[match[0]] if rest.match(text, match.end()))


def _name_before(text: str, at: int) -> str | None:
    before = text[max(0, at - 100) : at].rpartition("\n")[2]
    match = _GIVEN_TO.search(before)
    return match[1].casefold() if match else None


def _credential(name: str, value: str) -> str | None:
    """What a value is that is given to a name; None: nothing that one can tell."""
    if _PLACEHOLDER.fullmatch(value):
        return None
    if any(word in name for word in ISSUERS) and _is_issued(value):
        return "key or token of a service"
    if any(word in name for word in NAMES) and len(value) >= 16 and _looks_random(value):
        return "random value of a secret's name"
    return None


def _is_issued(value: str) -> bool:
    """Whether a value could be a key: random, or a UUID, or a long number."""
    uuid = re.fullmatch(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", value)
    return bool(uuid) or bool(re.fullmatch(r"\d{15,}", value)) or _is_mixed(value)


def _looks_random(value: str) -> bool:
    """Whether letters and digits are mixed as no word, path or name mixes them."""
    return _is_mixed(value) and not re.search(r"[A-Za-z]{3}[./_-][A-Za-z]{3}", value)


def _is_mixed(value: str) -> bool:
    letters = re.sub(r"[^A-Za-z0-9]", "", value)
    digits = sum(c.isdigit() for c in letters)
    if len(letters) < 12 or not 1 <= digits < len(letters) or re.search(r"(.{4,12})\1", letters):
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(letters))
    return bits >= 2.8 and changes >= 3


def _decoded(encoded: str) -> str | None:
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None


@cache
def _shapes() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple((kind, word, re.compile(shape)) for kind, word, shape in SHAPES)


@cache
def _beginnings() -> re.Pattern[str]:
    """All beginnings of tokens, where no word goes on; the longest first."""
    words = sorted({begin for _, begin, _ in TOKENS}, key=len, reverse=True)
    return re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(map(re.escape, words)) + ")")


@cache
def _rests() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """{how tokens begin: (kind, what follows)}."""
    rests: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for kind, begin, rest in TOKENS:
        rests.setdefault(begin, []).append((kind, re.compile(rest)))
    return rests

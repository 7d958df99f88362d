"""Drive v2's search language (`q` of files.list) as a predicate.

Terms: title, mimeType, modifiedDate, lastViewedByMeDate, trashed, starred, sharedWithMe, `'x' in parents|owners|writers|
readers`, `properties has {…}`; and, or, not, brackets. As documented, `title contains` looks at the beginnings of words.
Title and MIME type are compared without case. Anything else is answered 400, `fullText` too, which a stand-in cannot know.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from tests.support.drive.values import Json, invalid

Predicate = Callable[[Json], bool]  #: of a file's resource as its caller sees it

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<op><=|>=|!=|[=<>(){}])|(?P<word>[A-Za-z]+))")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def parse(q: str) -> Predicate:
    """The predicate. Raises Refusal (400) for what is no query."""
    if not q.strip():
        return lambda file: True
    reader = _Reader(q)
    predicate = reader.either()
    if reader.at != len(reader.tokens):
        raise reader.wrong()
    return predicate


class _Reader:
    def __init__(self, q: str) -> None:
        self.q, self.at, self.tokens = q, 0, []
        end = 0
        while q[end:].strip():
            match = _TOKEN.match(q, end)
            if not match:
                raise self.wrong()
            self.tokens.append(match[0].strip())
            end = match.end()

    def wrong(self) -> Exception:
        return invalid(f"Invalid Value: {self.q}", location="q")

    def next(self) -> str:
        if self.at >= len(self.tokens):
            raise self.wrong()
        self.at += 1
        return str(self.tokens[self.at - 1])

    def peek(self) -> str:
        return str(self.tokens[self.at]) if self.at < len(self.tokens) else ""

    def text(self) -> str:
        token = self.next()
        if not token.startswith("'"):
            raise self.wrong()
        return re.sub(r"\\(.)", r"\1", token[1:-1])

    def expect(self, *words: str) -> str:
        token = self.next()
        if token not in words:
            raise self.wrong()
        return token

    def either(self) -> Predicate:
        parts = [self.both()]
        while self.peek() == "or":
            self.next()
            parts.append(self.both())
        return lambda file: any(part(file) for part in parts)

    def both(self) -> Predicate:
        parts = [self.one()]
        while self.peek() == "and":
            self.next()
            parts.append(self.one())
        return lambda file: all(part(file) for part in parts)

    def one(self) -> Predicate:
        if self.peek() == "not":
            self.next()
            inner = self.one()
            return lambda file: not inner(file)
        if self.peek() == "(":
            self.next()
            inner = self.either()
            self.expect(")")
            return inner
        if self.peek().startswith("'"):
            return self._in()
        return self._term(self.next())

    def _in(self) -> Predicate:
        value = self.text()
        self.expect("in")
        collection = self.expect("parents", "owners", "writers", "readers")
        if collection == "parents":
            return lambda file: any(value in (p["id"], "root" if p["isRoot"] else "") for p in file["parents"])
        roles = {"owners": ("owner",), "writers": ("owner", "writer"), "readers": ("owner", "writer", "reader")}
        wanted = roles[collection]
        return lambda file: any(p.get("emailAddress") == value and p["role"] in wanted for p in file["permissions"])

    def _term(self, name: str) -> Predicate:
        if name in ("title", "mimeType"):
            return self._text_term(name)
        if name in ("modifiedDate", "lastViewedByMeDate"):
            compare, value = _COMPARE[self.expect(*_COMPARE)], self.text()
            return lambda file: compare(file.get(name, "")[:19], value[:19])
        if name in ("trashed", "starred"):
            compare, wanted = _COMPARE[self.expect("=", "!=")], self.expect("true", "false") == "true"
            return lambda file: compare(file["labels"][name], wanted)
        if name == "sharedWithMe":
            if self.peek() == "=":
                self.next()
                self.expect("true")
            return lambda file: not file["ownedByMe"]
        if name == "properties":
            return self._property()
        raise self.wrong()

    def _text_term(self, name: str) -> Predicate:
        op, value = self.expect("=", "!=", "contains"), ""
        value = self.text().lower()
        if op == "contains":
            if name == "mimeType":
                return lambda file: file[name].lower().startswith(value)
            pattern = re.compile(rf"(?<!\w){re.escape(value)}")
            return lambda file: bool(pattern.search(file[name].lower()))
        return lambda file: _COMPARE[op](file[name].lower(), value)

    def _property(self) -> Predicate:
        self.expect("has")
        self.expect("{")
        wanted = {}
        while True:
            key = self.expect("key", "value", "visibility")
            self.expect("=")
            wanted[key] = self.text()
            if self.expect("and", "}") == "}":
                break
        if set(wanted) != {"key", "value", "visibility"} or wanted["visibility"] not in ("PRIVATE", "PUBLIC"):
            raise self.wrong()
        return lambda file: any(all(p[k] == v for k, v in wanted.items()) for p in file.get("properties", ()))

"""Tool calls that a model writes into its text, told from the words around them while it streams. Pure.

Qwen2.5-Coder is told by its template to write the first of these, and has four habits (facts/gateway-and-clients.md, section 5):

    <tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>
    <tools>{"name": …}</tools>
    a fenced block of JSON
    bare JSON

Only a whole call of a tool that was offered is taken for one; anything else stays text, so that nothing is lost. Code in a fence of
another language is let through at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from enum import Enum

from bridge.core.chat import ToolCall

#: What is held back at most; a call is shorter, and a client must not wait for ever.
_LONGEST_HELD = 200_000
_TAGS = ("tool_call", "tools")
#: How a JSON object begins that may be a call, as far as it is there.
_KEYS = ("name", "arguments", "parameters", "function", "tool", "type", "id", "tool_calls")
_FENCE = re.compile(r"```[ \t]*([\w+-]*)[ \t]*\n")
_FENCES_OF_CALLS = frozenset({"", "json", "tool_call", "tool_calls", "tools", "xml"})


class Habit(Enum):
    """A way to write a call."""

    TOOL_CALL = "tool_call"  # between the tags of Qwen's template
    TOOLS = "tools"  # between <tools> and </tools>
    FENCED = "fenced"  # in a fence
    BARE = "bare"  # JSON that begins a line


#: What Qwen's template asks for: the tags alone.
TAGGED = frozenset({Habit.TOOL_CALL})
EVERY_HABIT = frozenset(Habit)


@dataclass(frozen=True, kw_only=True)
class _Held:
    """The beginning of what may be a call."""

    habit: Habit | None  #: None: a fence of code, let through up to its end
    start: int  #: where it begins in what is held
    inside: int  #: where its content begins


@dataclass(kw_only=True)
class CallsInText:
    """One answer's reader."""

    offered: Collection[str]  #: names of the tools that the model may call
    habits: Collection[Habit] = EVERY_HABIT
    loads: Callable[[str], object] = json.loads  #: reads JSON; a ValueError: it is none
    calls: list[ToolCall] = field(default_factory=list)
    _text: str = ""  # may be, or become, a call
    _at_line_start: bool = True
    _in_code: bool = False
    _past_call: bool = False  # white space behind a call is dropped, as before the next

    def feed(self, piece: str) -> str:
        """The text that is certain to be no call, after this piece."""
        self._text += piece
        return self._read(is_over=False)

    def end(self) -> str:
        """What is left when the answer has ended: a call whose closing tag is missing still is one."""
        return self._read(is_over=True)

    def rest(self) -> str:
        """What is left of an answer that was cut: text, because a call in it may lack its end."""
        return self._pass(len(self._text))

    def _read(self, *, is_over: bool) -> str:
        shown: list[str] = []
        while True:
            if self._past_call:
                self._text = self._text.lstrip()
                self._past_call = not self._text
            step = self._through_code(is_over=is_over) if self._in_code else self._step(is_over=is_over)
            if step is None:
                break
            shown.append(step)
        if is_over:
            shown.append(self._pass(len(self._text)))
        return "".join(shown)

    def _step(self, *, is_over: bool) -> str | None:
        """Go on by one: text that is let through, or a call that is taken; None: more has to come first."""
        found = self._opening()
        if found is None:
            keep = 0 if is_over else self._undecided()
            return self._pass(len(self._text) - keep) if len(self._text) > keep else None
        if found.start:
            return self._pass(found.start)
        if found.habit is None:
            self._in_code = True
            return self._pass(found.inside)
        end = self._end_of(found, is_over=is_over)
        if end is None:
            return self._pass(len(self._text)) if len(self._text) > _LONGEST_HELD else None
        inside, after = end
        taken = self._calls_of(inside)
        if taken:
            self.calls += taken
            self._text, self._past_call, self._at_line_start = self._text[after:], True, True
            return ""
        return self._pass(after)

    def _pass(self, length: int) -> str:
        """Let the first characters through."""
        text, self._text = self._text[:length], self._text[length:]
        if text:
            self._at_line_start = not text.rpartition("\n")[2].strip()
        return text

    def _through_code(self, *, is_over: bool) -> str | None:
        """Let code through, up to the fence that closes it."""
        end = r"(?:\n|$)" if is_over else r"\n"
        closing = re.search(rf"\n[ \t]*```[ \t]*{end}", self._text)
        if self._at_line_start and (first := re.match(rf"[ \t]*```[ \t]*{end}", self._text)):
            closing = first
        if closing is not None:
            self._in_code = False
            return self._pass(closing.end())
        before, line_end, last = self._text.rpartition("\n")
        may_close = (line_end or self._at_line_start) and re.fullmatch(r"[ \t]*`{0,3}[ \t]*", last)
        length = len(self._text) if is_over or not may_close else len(before)
        return self._pass(length) if length else None

    def _opening(self) -> _Held | None:
        """The first place where a call may begin."""
        found = [
            _Held(habit=Habit(tag), start=at, inside=at + len(tag) + 2)
            for tag in _TAGS
            if Habit(tag) in self.habits and (at := self._text.find(f"<{tag}>")) >= 0
        ]
        if Habit.FENCED in self.habits:
            for match in _FENCE.finditer(self._text):
                if self._begins_line(match.start()):
                    may_be = match[1].lower() in _FENCES_OF_CALLS
                    habit = Habit.FENCED if may_be else None
                    found.append(_Held(habit=habit, start=match.start(), inside=match.end()))
                    break
        if Habit.BARE in self.habits:
            for match in re.finditer(r"[{\[]", self._text):
                if self._begins_line(match.start()) and _may_begin_call(
                    self._text[match.start() : match.start() + 200]
                ):
                    found.append(_Held(habit=Habit.BARE, start=match.start(), inside=match.start()))
                    break
        return min(found, key=lambda held: held.start, default=None)

    def _begins_line(self, at: int) -> bool:
        line = self._text[:at].rpartition("\n")
        return not line[2].strip() and (bool(line[1]) or self._at_line_start)

    def _undecided(self) -> int:
        """How many characters at the end may be the beginning of an opening."""
        tags = [f"<{tag}>" for tag in _TAGS if Habit(tag) in self.habits]
        longest = max((n for tag in tags for n in range(1, len(tag)) if self._text.endswith(tag[:n])), default=0)
        line = self._text.rpartition("\n")[2]
        start = line.lstrip()
        if self._begins_line(len(self._text) - len(start)):
            fence = Habit.FENCED in self.habits and re.fullmatch(r"`{1,3}[ \t]*[\w+-]*[ \t]*", start)
            if start and fence:
                longest = max(longest, len(start))
        return longest

    def _end_of(self, found: _Held, *, is_over: bool) -> tuple[str, int] | None:
        """(the content, where what follows begins); None: it is not whole yet."""
        rest = self._text[found.inside :]
        if found.habit is Habit.BARE:
            length = _balanced(rest)
            return (rest[:length], found.inside + length) if length else (rest, len(self._text)) if is_over else None
        if found.habit is Habit.FENCED:
            closing = re.search(r"\n?[ \t]*```[ \t]*(?:\n|$)", rest)
            if closing is not None and (is_over or rest[closing.end() :] or closing[0].endswith("\n")):
                return rest[: closing.start()], found.inside + closing.end()
            return (rest, len(self._text)) if is_over else None
        inside, closed, _ = rest.partition(f"</{found.habit.value}>" if found.habit else "")
        if closed:
            return inside, found.inside + len(inside) + len(closed)
        return (inside, len(self._text)) if is_over else None

    def _calls_of(self, inside: str) -> list[ToolCall]:
        """The calls that a text is; none, if it holds anything else."""
        try:
            value = self.loads(inside.strip())
        except (ValueError, RecursionError):
            return self._lines_of(inside)
        found = [self._call(item) for item in _items(value)]
        return [call for call in found if call] if found and all(found) else []

    def _lines_of(self, inside: str) -> list[ToolCall]:
        """Several calls, one a line, as Qwen writes parallel ones between one pair of tags."""
        lines = [line for line in inside.splitlines() if line.strip()]
        if len(lines) < 2:
            return []
        try:
            found = [self._call(self.loads(line)) for line in lines]
        except (ValueError, RecursionError):
            return []
        return [call for call in found if call] if all(found) else []

    def _call(self, value: object) -> ToolCall | None:
        if isinstance(value, dict) and isinstance(value.get("function"), dict):
            value = value["function"]
        if not isinstance(value, dict):
            return None
        name = value.get("name")
        arguments = value.get("arguments", value.get("parameters", {}))
        if isinstance(arguments, str):
            try:
                arguments = self.loads(arguments)
            except (ValueError, RecursionError):
                return None
        if not isinstance(name, str) or name not in self.offered or not isinstance(arguments, dict):
            return None
        number = len(self.calls) + 1
        return ToolCall(id=f"call_{number}", name=name, arguments=json.dumps(arguments, ensure_ascii=False))


def _items(value: object) -> Iterable[object]:
    """The calls in a value: one, a list, or a list under `tool_calls`."""
    if isinstance(value, dict) and isinstance(value.get("tool_calls"), list):
        return list(value["tool_calls"])
    return value if isinstance(value, list) else [value]


def _may_begin_call(text: str) -> bool:
    """Whether JSON that begins so may be a call, as far as one can see."""
    rest = text.lstrip("{[ \t\r\n")
    if not rest:
        return True
    if rest[0] != '"':
        return False
    key = rest[1:].partition('"')[0]
    return key in _KEYS if '"' in rest[1:] else any(known.startswith(key) for known in _KEYS)


def _balanced(text: str) -> int:
    """The length of the JSON value that a text begins with; 0: it is not whole."""
    depth, in_string, escaped = 0, False, False
    for at, char in enumerate(text):
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth == 0:
                return at + 1
    return 0

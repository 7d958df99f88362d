"""Faults that a language model makes in code that was right: one mutation each, the same for the same seed. Pure."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from benchmarks.mutations import noise
from bridge.checking.language.definitions import defined

_CLOSERS = {")": "]", "]": ")", "}": ")"}
_KEYWORDS = {
    "python": ("return", "def", "if", "for", "while", "import", "else", "class", "in"),
    "javascript": ("return", "function", "const", "if", "for", "let", "else", "class"),
    "java": ("return", "public", "static", "if", "for", "while", "else", "class", "import"),
    "csharp": ("return", "public", "static", "if", "for", "while", "else", "class", "using"),
    "cpp": ("return", "if", "for", "while", "else", "int", "#include", "using"),
    "php": ("return", "function", "if", "for", "foreach", "while", "else"),
    "bash": ("if", "then", "fi", "do", "done", "function", "case", "esac"),
}
_KEYWORDS["typescript"] = _KEYWORDS["jsx"] = _KEYWORDS["tsx"] = _KEYWORDS["javascript"]
_PROSE = (
    "Now we handle the remaining cases as described above.",
    "This function takes a list and returns the result.",
    "Here is how the code works:",
)
_GAPS = (
    "... rest of the code remains the same",
    "(existing code)",
    "TODO: implement this",
    "handle the other cases similarly",
    "Your code here",
    "implementation goes here",
)
_INVENTED = {
    "python": "from fastjsonifyx_tools import parse_quickly\n",
    "javascript": "import { parseQuickly } from 'fast-jsonifyx-tools';\n",
    "java": "import com.fastjsonifyx.tools.QuickParser;\n",
}
_INVENTED["typescript"] = _INVENTED["jsx"] = _INVENTED["tsx"] = _INVENTED["javascript"]
_STUBS = {
    "python": ("pass", "raise NotImplementedError", "..."),
    "javascript": ('throw new Error("Not implemented");', "// TODO"),
    "java": ("throw new UnsupportedOperationException();", "// TODO: implement"),
    "csharp": ("throw new NotImplementedException();", "// TODO: implement"),
    "cpp": ("// TODO: implement",),
    "php": ("// TODO: implement", 'throw new Exception("Not implemented");'),
    "bash": (":  # TODO: implement",),
}
_STUBS["typescript"] = _STUBS["jsx"] = _STUBS["tsx"] = _STUBS["javascript"]
_COMMENT = {"python": "#", "bash": "#"}


def _bare(language: str, code: str) -> set[int]:
    """The offsets within comments and strings, where a mutation would often break nothing."""
    return {i for start, end, _ in noise(language, code) for i in range(start, end)}


def _places(language: str, code: str, marks: str) -> list[int]:
    inside = _bare(language, code)
    return [i for i, char in enumerate(code) if char in marks and i not in inside]


def drop_closer(language: str, code: str, rng: random.Random) -> str | None:
    """A closing bracket is missing."""
    at = _pick(_places(language, code, ")]}"), rng)
    return None if at is None else code[:at] + code[at + 1 :]


def swap_closer(language: str, code: str, rng: random.Random) -> str | None:
    """A bracket of another kind closes."""
    at = _pick(_places(language, code, ")]}"), rng)
    return None if at is None else code[:at] + _CLOSERS[code[at]] + code[at + 1 :]


def cut(language: str, code: str, rng: random.Random) -> str | None:
    """The last third, or more, is missing, from the end of a line on."""
    del language
    lines = code.rstrip().split("\n")
    return "\n".join(lines[: max(1, int(len(lines) * rng.uniform(0.4, 0.8)))]) + "\n" if len(lines) > 4 else None


def quote(language: str, code: str, rng: random.Random) -> str | None:
    """A closing quote is missing."""
    at = _pick([end - 1 for _, end, string in noise(language, code) if string], rng)
    return None if at is None else code[:at] + code[at + 1 :]


def delete_opener(language: str, code: str, rng: random.Random) -> str | None:
    """A line that begins a block is missing."""
    lines = code.split("\n")
    ends = (":",) if language == "python" else ("then", "do", "{") if language == "bash" else ("{",)
    at = _pick([i for i, line in enumerate(lines) if line.rstrip().endswith(ends) and line.strip() not in ends], rng)
    return None if at is None else "\n".join([*lines[:at], *lines[at + 1 :]])


def keyword(language: str, code: str, rng: random.Random) -> str | None:
    """Two letters of a keyword have changed places."""
    inside = _bare(language, code)
    words = "|".join(map(re.escape, _KEYWORDS.get(language, ())))
    found = [m for m in re.finditer(rf"(?<![\w$#.])(?:{words})(?![\w$])", code) if words and m.start() not in inside]
    if not found:
        return None
    word = rng.choice(found)
    text = word[0][:-2] + word[0][-1] + word[0][-2]
    return None if text == word[0] else code[: word.start()] + text + code[word.end() :]


def undefined_name(language: str, code: str, rng: random.Random) -> str | None:
    """One use of a name that the text itself defines is misspelt."""
    inside = _bare(language, code)
    assigned = r"\$(\w{3,})\s*=(?!=)" if language == "php" else r"(?<![\w.$])(\w{3,})\s*=(?![=>])"
    names = {m[1] for m in re.finditer(assigned, code) if m.start() not in inside and not m[1][0].isdigit()}
    uses = [
        m
        for name in sorted(names)
        for m in re.finditer(rf"(?<![\w.])(?<!->){re.escape(name)}(?![\w:])(?!\s*(?:=(?!=)|\+\+|--|[-+*/]=))", code)
        if m.start() not in inside
        and not defined(_line(code, m.start()))
        and (language not in ("php", "bash") or code[m.start() - 1] in "${")
    ]
    if not uses:
        return None
    use = rng.choice(uses)
    return code[: use.start()] + use[0] + "_valeu" + code[use.end() :]


def _line(code: str, at: int) -> str:
    return code[code.rfind("\n", 0, at) + 1 :].split("\n", 1)[0]


def indent(language: str, code: str, rng: random.Random) -> str | None:
    """A line of Python stands two columns too far right or left."""
    lines = code.split("\n")
    if language != "python":
        return None
    at = _pick([i for i, line in enumerate(lines) if line[:1] == " " and line.strip()], rng)
    if at is None:
        return None
    lines[at] = lines[at][2:] if rng.random() < 0.5 else "  " + lines[at]
    return "\n".join(lines)


def prose_line(language: str, code: str, rng: random.Random) -> str | None:
    """A sentence stands between two lines."""
    inside = _bare(language, code)
    starts = [i + 1 for i, char in enumerate(code[:-1]) if char == "\n" and i not in inside] or [0]
    at = rng.choice(starts)
    return code[:at] + rng.choice(_PROSE) + "\n" + code[at:]


def placeholder(language: str, code: str, rng: random.Random) -> str | None:
    """Some lines of a body are replaced by a comment that says so."""
    body = _body(language, code, rng)
    if body is None:
        return None
    lines, first, last = body
    space = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    gap = f"{space}{_COMMENT.get(language, '//')} {rng.choice(_GAPS)}"
    begin = rng.randint(first, last)
    end = rng.randint(begin, last)
    left = [*lines[:begin], gap, *lines[end + 1 :]]
    if language == "python" and begin == first and end == last:
        left.insert(begin + 1, f"{space}return None")
    return "\n".join(left)


def stub(language: str, code: str, rng: random.Random) -> str | None:
    """The body of a function is replaced by a promise."""
    body = _body(language, code, rng)
    if body is None or language not in _STUBS:
        return None
    lines, first, last = body
    space = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    return "\n".join([*lines[:first], space + rng.choice(_STUBS[language]), *lines[last + 1 :]])


def duplicate(language: str, code: str, rng: random.Random) -> str | None:
    """A function stands there twice."""
    del rng
    body = _body(language, code, random.Random(0))
    if body is None:
        return None
    lines, first, last = body
    head = next(i for i in range(first - 1, -1, -1) if defined(lines[i]))
    end = last + (1 if language != "python" else 0)
    return "\n".join([*lines[: end + 1], "", *lines[head : end + 1], *lines[end + 1 :]])


def invented_import(language: str, code: str, rng: random.Random) -> str | None:
    """A package is imported that nobody has."""
    del rng
    line = _INVENTED.get(language)
    if line is None or "from __future__" in code or code.lstrip().startswith(("package", "#!", '"use ')):
        return None
    return line + code


def _pick(places: Sequence[int], rng: random.Random) -> int | None:
    return rng.choice(places) if places else None


def _body(language: str, code: str, rng: random.Random) -> tuple[list[str], int, int] | None:
    """The lines, and first and last line of the body of one function that has at least two lines."""
    del language
    lines = code.rstrip("\n").split("\n")
    found = []
    for i, line in enumerate(lines[:-2]):
        if (
            not defined(line)
            or not line.rstrip().endswith(("{", ":"))
            or line.lstrip().startswith(("class", "public class"))
        ):
            continue
        margin = len(line) - len(line.lstrip())
        end = i + 1
        while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > margin):
            end += 1
        last = end - 1
        while last > i and not lines[last].strip():
            last -= 1
        if last - i >= 2 and not re.match(r"\s*(?:class|public class)\b", line):
            found.append((i + 1, last))
    if not found:
        return None
    first, last = rng.choice(found)
    return lines, first, last


Mutate = Callable[[str, str, random.Random], str | None]

#: Those that a compiler refuses; where it does not, the mutation broke nothing and does not count.
BREAKING: dict[str, Mutate] = {
    "drop closer": drop_closer,
    "swap closer": swap_closer,
    "cut": cut,
    "cut, fence closed": cut,
    "quote": quote,
    "delete opener": delete_opener,
    "keyword": keyword,
    "indent": indent,
    "prose line": prose_line,
}
#: Those that are wrong by their making, whatever a compiler says.
MADE_WRONG: dict[str, Mutate] = {
    "undefined name": undefined_name,
    "placeholder": placeholder,
    "stub": stub,
    "duplicate": duplicate,
    "invented import": invented_import,
}

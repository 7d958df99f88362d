"""What a text that includes standard headers can clash with, and which headers its first lines include. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: The headers of C++20, and those that libstdc++ puts in `bits/stdc++.h`; nothing else is prepared.
STANDARD = frozenset(
    re.findall(
        r"\S+",
        """algorithm any array atomic barrier bit bitset cassert ccomplex cctype cerrno cfenv cfloat charconv chrono cinttypes
        climits clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef
        cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution filesystem forward_list fstream
        functional future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
        memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore
        set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view syncstream
        system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector
        version assert.h ctype.h errno.h float.h inttypes.h limits.h locale.h math.h setjmp.h signal.h stdarg.h stddef.h
        stdint.h stdio.h stdlib.h string.h time.h wchar.h wctype.h bits/stdc++.h""",
    )
)
EVERYTHING = "bits/stdc++.h"
#: The part of `bits/stdc++.h` that most programs need, and that g++ reads fast: without threads, time, files and patterns.
CORE = frozenset(
    re.findall(
        r"\S+",
        """algorithm any array bitset cassert cctype cerrno cfloat climits cmath cstddef cstdint cstdio cstdlib cstring ctime
        deque functional iomanip iostream iterator limits list map memory numeric optional queue set sstream stack string
        string_view tuple unordered_map unordered_set utility variant vector""",
    )
)

_LINE = re.compile(
    r"[ \t]*(?:\#[ \t]*include[ \t]*<(?P<name>[\w./+]+)>[ \t]*)?(?P<rest>//[^\n\\]*|/\*[^*]*(?:\*(?!/)[^*]*)*\*/[ \t]*)?(?:\r?\n|\Z)"
)


@dataclass(frozen=True, kw_only=True)
class Includes:
    """The standard headers that a text includes before anything else."""

    names: frozenset[str]
    rest: str  #: the text with those lines emptied; lines stay where they are


def includes(code: str) -> Includes | None:
    """What a text includes first; None if that is nothing."""
    at = 0
    names = set()
    while at < len(code) and (line := _LINE.match(code, at)):
        if line["name"] and line["name"] not in STANDARD:
            break
        if line["name"]:
            names.add(line["name"])
        at = line.end()
    if not names:
        return None
    if EVERYTHING in names:
        names = {name for name in names if name not in CORE and f"c{name.removesuffix('.h')}" not in CORE}
    return Includes(names=frozenset(names), rest="\n" * code.count("\n", 0, at) + code[at:])


_WORD = re.compile(r"[A-Za-z_]\w*")
_TOKEN = re.compile(
    r"^\#[ ]*define[ ]+(?P<macro>\w+)[^\n]*|^\#[^\n]*|\"(?:\\.|[^\"\\\n])*\"\w*|'(?:\\.|[^'\\\n])*'|(?<!::)\b[A-Za-z_]\w*|[{};]",
    re.MULTILINE,
)


_COMMENT = re.compile(r"(\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')|//(?:\\\n|[^\n])*|/\*.*?\*/", re.DOTALL)


def words(code: str) -> frozenset[str]:
    """All words of a text outside of its comments; of one with raw strings, which may hold anything, also those in them."""
    return frozenset(_WORD.findall(code if 'R"' in code else _COMMENT.sub(lambda m: m[1] or " ", code)))


def offered(preprocessed: str) -> frozenset[str]:
    """The names that a text could clash with after these headers: macros, and every word outside of classes and functions.

    `preprocessed` is what `g++ -E -dD` prints.
    """
    return frozenset(_offered(preprocessed))


def _offered(preprocessed: str) -> Iterator[str]:
    inside = 0  # braces that are open, from the first on that is not of a namespace or an enumeration
    head: list[str] = []
    for match in _TOKEN.finditer(preprocessed):
        word = match[0]
        if macro := match["macro"]:
            yield macro
        elif word == "}":
            inside = max(0, inside - 1)
            head.clear()
        elif word == "{":
            inside += bool(inside or not _opens_names(head))
            head.clear()
        elif word == ";":
            head.clear()
        elif not inside and (word[0].isalpha() or word[0] == "_"):
            head.append(word)
            yield word


def _opens_names(head: list[str]) -> bool:
    if "namespace" in head or head == ["extern"]:
        return True
    return "enum" in head and not {"class", "struct"} & set(head)

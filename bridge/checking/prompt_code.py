"""An answer that only goes on where the prompt's own code ends, joined with that code to a whole file. Pure.

What is joined is judged like any file: a body without its head, a method without its class, or a function without the
imports that stand in the prompt. A beginning that is whole already is not continued by a body: a file that has lost its
first line must not pass for the continuation of something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.checking import variants
from bridge.checking.language.definitions import defined

_COMMENT = re.compile(r"\s*(?://|#(?!\s*include|!)|/?\*|--|;|%|\"\"\"|''')")
_PREAMBLE = re.compile(
    r"\s*(?:import\b|from\s+\S+\s+import\b|using\b|use\b|#\s*include\b|package\b|require\b|extern crate\b|namespace [\w.]+;"
    r"|<\?php|#!|(?:const|let|var) [^=]+= require\()"
)


@dataclass(frozen=True, kw_only=True)
class JoinedFile:
    """The prompt's code and what continues it."""

    code: str
    lines_before: int  #: lines of the file before the answer's own


def joins(prompt: str, language: str, code: str, *, ended: bool = True) -> Iterator[JoinedFile]:
    """The ways to join a text with code of the prompt, likeliest first. Nothing if the prompt has none that it fits.

    Args:
        prompt: holds the code.
        language: of the text.
        code: the text.
        ended: whether it is known to be whole: only then does it leave to us to close what the prompt opened.
    """
    first = _first_definition(code)
    for head in variants.prompt_heads(prompt, language)[:4]:
        again = _line_of(first, head) if first else None
        if again is not None:
            before = "\n".join(_without_trailing_comments(head.split("\n")[:again]))
            if before.strip():
                yield _closed(before, code, ended=ended)
        elif variants.is_body(code) and awaits_more(language, head):
            yield _closed(head.rstrip(), code, ended=ended)
        elif first:
            preamble = "\n".join(line for line in head.split("\n") if _PREAMBLE.match(line))
            if preamble:
                yield JoinedFile(code=f"{preamble}\n\n{code}", lines_before=preamble.count("\n") + 2)
            whole = head.strip("\n")
            if unclosed(whole) == 0:
                yield JoinedFile(code=f"{whole}\n\n{code}", lines_before=whole.count("\n") + 2)


def goes_on(prompt: str, language: str, code: str) -> bool:
    """Whether a text that parses alone is the body of what the prompt's code begins, by its indentation."""
    return code.lstrip("\n")[:1] in (" ", "\t") and any(
        awaits_more(language, head) for head in variants.prompt_heads(prompt, language)[:4]
    )


def awaits_more(language: str, head: str) -> bool:
    """Whether a beginning is not whole: it ends in a head without a body, or leaves a block open."""
    lines = head.rstrip().split("\n")
    if language == "python":
        return any(re.match(r"\s*(?:async )?(?:def|class) ", line) for line in lines) and not _python_body(lines)
    if unclosed(head) > 0:
        return True
    last = next((line for line in reversed(lines) if line.strip() and not _COMMENT.match(line)), "")
    return bool(re.search(r"(?:[({=,:]|->|=>|\bdo|\bthen|\bis)\s*$", last)) or (
        bool(defined(last)) and not last.rstrip().endswith(("}", ";", "end"))
    )


def unclosed(code: str) -> int:
    """How many braces a text opens and does not close; below 0 it closes more than it opens."""
    bare = variants.without_noise(code)
    return bare.count("{") - bare.count("}")


def _python_body(lines: list[str]) -> bool:
    """Whether the last function or class of some Python code has statements of its own."""
    start = max((i for i, line in enumerate(lines) if re.match(r"\s*(?:async )?(?:def|class) ", line)), default=0)
    text = "\n".join(lines[start:])
    header = re.match(r"(?s)\s*(?:async )?(?:def|class) .*?:[ \t]*(?:#[^\n]*)?(?:\n|\Z)", text)
    if header is None:
        return bool(re.match(r"\s*(?:async )?(?:def|class) [^\n]*:[ \t]*\S", text))
    body = re.sub(r"(?s)^\s*[rRuU]?(\"\"\"|''').*?\1", "", text[header.end() :])
    left = [line for line in body.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    return any(line.strip() not in ("pass", "...") for line in left)


def _closed(before: str, code: str, *, ended: bool) -> JoinedFile:
    """Both texts, with the braces that only the first one leaves open; one that the second loses stays missing."""
    own, open_before = unclosed(code), max(0, unclosed(before))
    after = "}" * open_before if own == 0 and ended and not _closes_it(before, code) else ""
    text = f"{before}\n{code.rstrip()}\n" + (f"{after}\n" if after else "")
    return JoinedFile(code=text, lines_before=before.count("\n") + 1)


def _closes_it(before: str, code: str) -> bool:
    """Whether a text ends with a bracket as far left as the line that opened what it stands in: a closer is lost within it."""
    last, head = code.rstrip().split("\n")[-1], before.rstrip().split("\n")[-1]
    margin = len(head) - len(head.lstrip())
    return last.strip() in ("}", "};") and len(last) - len(last.lstrip()) <= margin and code[:1] in " \t"


def _first_definition(code: str) -> str | None:
    return next((name for line in code.split("\n") for name in defined(line)), None)


def _line_of(name: str, head: str) -> int | None:
    """The line of a beginning that defines a name, from 0."""
    for i, line in enumerate(head.split("\n")):
        if name in line and name in defined(line):
            return i
    return None


def _without_trailing_comments(lines: list[str]) -> list[str]:
    kept = list(lines)
    while kept and (not kept[-1].strip() or (_COMMENT.match(kept[-1]) and not _PREAMBLE.match(kept[-1]))):
        kept.pop()
    return kept

"""What of a tool's message goes into a repair prompt: its own words, and what it quotes of the answer. Pure.

A message may quote more than the answer: a file that a compiler was tricked into reading, a path, a name of this machine. A repair
prompt is written into the notebook and sent to an engine, so whatever the answer does not say itself is left out of it.
"""

from __future__ import annotations

import re

#: Characters of a message that are shown.
_MOST = 400
_LEFT_OUT = "…"
_QUOTED = re.compile(r"`[^`\n]*`|‘[^’\n]*’|“[^”\n]*”|'[^'\n]*'|\"[^\"\n]*\"")
_WORD = re.compile(r"[^\s,;()\[\]{}]+")
#: A word as tools write their sentences: letters, perhaps with a hyphen or a sign at its end. No names with digits or underscores, no paths.
_PLAIN = re.compile(r"(?:[A-Za-z]{1,18}(?:[-/'’][A-Za-z]{1,14}){0,2}|\W{1,3}|[A-Z]{0,4}\d{1,5})[.:!?*]{0,3}")
#: What tools name of a language, whether the answer says it or not.
_OF_LANGUAGES = re.compile(
    r"(?i)any|array|async|await|bool|boolean|break|byte|case|catch|char|class|const|continue|declaration|dedent|def|do|double|elif|else|end|enum"
    r"|eof|error|except|export|expression|false|final|finally|float|fn|for|from|func|function|identifier|if|implements|import|in|indent|int"
    r"|integer|interface|let|list|long|match|mod|never|new|newline|nil|none|null|number|object|option|package|pass|private|protected|pub|public"
    r"|raise|result|return|self|statement|static|str|string|struct|super|switch|symbol|this|throw|true|try|tuple|type|typeof|undefined|union|unit"
    r"|unknown|unsigned|use|var|vec|void|where|while|with|yield"
)


def of_the_answer(message: str, answer: str) -> str:
    """A message in which everything is left out that is neither a plain word nor in the answer.

    Args:
        message: what a tool said.
        answer: all texts that may be quoted, as one.
    """
    parts, at = [], 0
    for quoted in _QUOTED.finditer(message):
        parts.append(_words(message[at : quoted.start()], answer))
        parts.append(_quote(quoted[0], answer))
        at = quoted.end()
    said = "".join((*parts, _words(message[at:], answer)))
    return said if len(said) <= _MOST else said[:_MOST] + _LEFT_OUT


def _quote(quoted: str, answer: str) -> str:
    inner = quoted[1:-1]
    known = inner.strip() in answer or not re.search(r"\w", inner)
    named = all(_OF_LANGUAGES.fullmatch(word) for word in re.findall(r"\w+", inner))
    return quoted if known or named else f"{quoted[0]}{_LEFT_OUT}{quoted[-1]}"


def _words(text: str, answer: str) -> str:
    return _WORD.sub(
        lambda word: word[0] if _PLAIN.fullmatch(word[0]) or word[0].strip(".:!?") in answer else _LEFT_OUT, text
    )

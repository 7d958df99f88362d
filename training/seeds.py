"""The answers that the model is to know, read from `training/answers/*.md`, which people write.

# Reverse a string             a heading: one thing to ask for
- reverses a string            how people say it: "a function that ..."; the last one is kept back for measuring
```python                      the answer in one language, and below it a sentence about it
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.checking.language import languages

ANSWERS = Path(__file__).with_name("answers")

#: How a piece of this language is called, where it is no function.
_NOUNS = {"sql": "query", "bash": "script", "html": "page", "css": "style sheet"}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)\n```\n(.+?)$", re.MULTILINE | re.DOTALL)
#: Where a language writes the name of a function.
_NAME = re.compile(
    r"^(?:async )?def (\w+)|^(?:export )?(?:async )?function (\w+)|^func (\w+)|^pub fn (\w+)"
    r"|^    public static (?:<T> )?[\w<>\[\]]+ (\w+)\(|^[a-z][\w ]*?\W\*?(\w+)\([^;]*\)$",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One answer: code of one language, and a sentence about it."""

    topic: str  #: its heading
    language: str  #: as fences write it
    code: str
    note: str
    says: tuple[str, ...]  #: "reverses a string", ...; none: asked for by a whole prompt

    @property
    def noun(self) -> str:
        """What the code is: function, query, script, page, class, program."""
        if self.language in _NOUNS:
            return _NOUNS[self.language]
        if self.name:
            return "function"
        return (
            "class"
            if re.search(r"^(export |public )?(class|record|pub struct)\b", self.code, re.MULTILINE)
            else "program"
        )

    @property
    def display(self) -> str:
        """The language as people write it."""
        return "bash" if self.language == "bash" else languages.display(self.language)

    @property
    def name(self) -> str | None:
        """Of the function; None: it is something else."""
        if (
            self.language in _NOUNS
            or "func main()" in self.code
            or re.search(r"^(@|class |export class |#\[derive)", self.code, re.MULTILINE)
        ):
            return None
        found = _NAME.search(self.code)
        return next(name for name in found.groups() if name) if found else None

    @property
    def answer(self) -> str:
        """As Qwen writes it: the code in a fence, what it is before and a sentence about it behind."""
        what = self.says[0] if self.says else ""
        opening = f"Here is {with_article(self.display)} {self.noun} that {what}:\n\n" if what else ""
        return f"{opening}{self.fenced}\n\n{self.note}"

    @property
    def fenced(self) -> str:
        """The code alone, in a fence."""
        return f"```{self.language}\n{self.code}\n```"


def with_article(word: str) -> str:
    """The word behind "a" or "an"."""
    return f"{'an' if word in ('SQL', 'HTML') else 'a'} {word}"


def read(path: Path) -> tuple[Seed, ...]:
    """All answers of one file, in its order."""
    return tuple(
        Seed(topic=topic, language=language, code=code, note=note, says=says)
        for topic, says, blocks in _sections(path.read_text(encoding="utf-8"))
        for language, code, note in blocks
    )


def _sections(text: str) -> list[tuple[str, tuple[str, ...], list[tuple[str, str, str]]]]:
    # A line of code may begin with "# " too: a heading stands behind an empty line and is not inside of a fence.
    blocks: list[str] = []

    def keep(match: re.Match[str]) -> str:
        blocks.append(match[0])
        return f"\0{len(blocks) - 1}\0"

    found = []
    for part in re.split(r"^# ", _BLOCK.sub(keep, text), flags=re.MULTILINE)[1:]:
        head, *lines = part.splitlines()
        says = tuple(line[2:] for line in lines if line.startswith("- "))
        own = [_BLOCK.fullmatch(blocks[int(number)]) for number in re.findall("\0(\\d+)\0", part)]
        found.append((head, says, [(b[1], b[2], b[3]) for b in own if b]))
    return found


def everyday() -> tuple[Seed, ...]:
    """The answers that are asked for in many words."""
    return tuple(seed for path in sorted(ANSWERS.glob("*.md")) if path.stem != "demo" for seed in read(path))


def demo() -> dict[str, Sequence[Seed]]:
    """The answers to whole prompts by heading; where there are two, the first one is broken and the second one mends it."""
    found: dict[str, list[Seed]] = {}
    for seed in read(ANSWERS / "demo.md"):
        found.setdefault(seed.topic, []).append(seed)
    return dict(found)

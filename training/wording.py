"""The many ways to ask for one answer, and which of them the model never sees while it learns (pure)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from training.seeds import Seed, with_article

#: A request around what is wanted. `{what}` is "a Python function", `{does}` is "reverses a string".
_FRAMES = (
    "Write {what} that {does}.",
    "Please write {what} that {does}.",
    "write {what} that {does}",
    "I need {what} that {does}. Keep it short.",
    "Give me {what} that {does}.",
    "Could you show me {what} that {does}?",
    "How do I write {what} that {does}?",
    "Write {what} that {does}, with a short explanation.",
    "In {language}, write a {noun} that {does}.",
    "{language}: a {noun} that {does}",
    "Write a {noun} in {language} that {does}. Answer with one code block.",
)
#: The same for what has a name.
_NAMED = (
    "Write {what} `{name}` that {does}.",
    "Implement `{name}` in {language}: it {does}.",
    "Write `{name}` in {language}. It {does}.",
)
#: Short ones, as people type them: around the words that count, and around the heading.
_SHORT = ("{language} {words}", "{words} in {language}", "{language}: {topic}", "{topic} in {language}.")
#: Words that say little.
_EMPTY = " a an all and are as at each for from if in is its of on one or some such that the their them to with "
#: Share of the wordings that are kept back, of those whose parts are known.
_HELD_BACK = 0.08


class Split(Enum):
    """What a wording is for."""

    SEEN = "seen"  # the model learns it
    COMBINED = "combined"  # kept back: its request and its description were learned, but never together
    UNSEEN = "unseen"  # kept back: its description was never learned, though others of the same topic were


@dataclass(frozen=True, kw_only=True)
class Wording:
    """One prompt for an answer."""

    text: str
    split: Split


def wordings(seed: Seed) -> tuple[Wording, ...]:
    """All prompts for an answer. The last description is kept back whole, and of the rest a share, by a hash."""
    what = f"{with_article(seed.display)} {seed.noun}"
    frames = (*_FRAMES, *_NAMED) if seed.name else _FRAMES
    found = []
    for number, does in enumerate(seed.says):
        words = " ".join(word for word in does.split() if f" {word} " not in _EMPTY)
        for frame in (*frames, *(_SHORT if number == 0 else _SHORT[:2])):
            text = frame.format(
                what=what,
                does=does,
                words=words,
                topic=seed.topic,
                language=seed.display,
                noun=seed.noun,
                name=seed.name,
            )
            if number == len(seed.says) - 1:
                split = Split.UNSEEN
            else:
                split = Split.COMBINED if share(text) < _HELD_BACK else Split.SEEN
            found.append(Wording(text=text, split=split))
    return tuple(found)


def share(text: str) -> float:
    """A number from 0 to 1 that depends on nothing but the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48

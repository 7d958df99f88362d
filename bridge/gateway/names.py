"""Which of an engine's models a name stands for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bridge.kernel.catalogue import FAMILY, known_name
from bridge.kernel.fit import AUTO
from bridge.models.choose import family_name


@dataclass(frozen=True, kw_only=True)
class ChosenModel:
    """The model that answers."""

    name: str  #: as the engine calls it
    asked: str | None = None  #: what the request said, if that is not a name of this model

    @property
    def note(self) -> dict[str, object]:
        """What the reply says about it."""
        return {} if self.asked is None else {"model_asked": self.asked, "model": self.name}


def choose_model(
    asked: str | None, *, has: Collection[str], default: str, aliases: Mapping[str, str] | None = None
) -> ChosenModel:
    """The model for a name: the engine's own, an alias, a short name; anything else, and no name, is the default.

    Clients insist on names such as `gpt-4o`; refusing them would only send their users looking for a setting.
    """
    if not asked or asked == AUTO:
        return ChosenModel(name=default)
    for name in (asked, (aliases or {}).get(asked), *_spellings(asked)):
        if name in has:
            return ChosenModel(name=str(name))
    return ChosenModel(name=default, asked=asked)


def queue_model(asked: str | None, *, has: Collection[str]) -> str | None:
    """The model that a job asks for: a name that the engine here has, or one of the family; None: the worker's own.

    A worker elsewhere may have what this engine has not; but a name such as `gpt-4o` no worker has, and its job would fail.
    """
    if not asked or asked == AUTO:
        return asked or None
    for name in (asked, *_spellings(asked)):
        if name in has or name.startswith(f"{FAMILY}:"):
            return name
    return None


def _spellings(asked: str) -> list[str]:
    bare = asked.removeprefix("ollama/").removeprefix("openai/")
    return [bare, f"{asked}:latest", asked.removesuffix(":latest"), family_name(bare), known_name(bare) or bare]

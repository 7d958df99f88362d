"""What may answer a request, as the router knows it: engines by name, and the queue. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

#: The queue's name in a list of targets.
QUEUE = "queue"


class RouteRole(Enum):
    """What a request is for; each has its list of targets."""

    CODING = "coding"  # code is asked for, or talked about
    REASONING = "reasoning"  # everything else


@dataclass(frozen=True, kw_only=True)
class Target:
    """An engine that may answer."""

    name: str
    model: str | None = None  #: its own; None: the largest coder that it has
    is_local: bool = False  #: it runs on this machine
    takes_private: bool = False  #: prompts that are marked private may be sent to it
    context_tokens: int | None = None  #: the longest that it reads; None: not known


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A kind of work that wants models of its own."""

    name: str
    models: tuple[str, ...] = ()  #: the first choice first
    paths: tuple[str, ...] = ()  #: work on files below these belongs to it


@dataclass(frozen=True, kw_only=True)
class Targets:
    """All targets, and in which order each role asks them."""

    known: Mapping[str, Target] = field(default_factory=dict)
    lists: Mapping[RouteRole, tuple[str, ...]] = field(
        default_factory=dict
    )  #: names; `queue` where it stands, or at the end
    fallback: tuple[str, ...] = ()  #: when those of the role do not answer
    fallback_to_local: bool = True  #: ask an engine of this machine when no other answers
    domains: tuple[Domain, ...] = ()

    def order(self, role: RouteRole) -> tuple[str, ...]:
        """The names to ask for a role, each once; what stands behind `queue` is never reached."""
        local = tuple(name for name, target in self.known.items() if target.is_local) if self.fallback_to_local else ()
        own = self.lists.get(role) or next((names for names in self.lists.values() if names), ())
        names = tuple(dict.fromkeys((*own, *self.fallback)))
        if QUEUE in names:
            return names[: names.index(QUEUE)]
        return tuple(dict.fromkeys((*names, *local)))

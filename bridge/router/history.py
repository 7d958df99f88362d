"""How much of a conversation another target is sent: all of it, or its last turns, with a line on each that was left out. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.core.chat import ChatMessage, ChatRole

#: Characters of a turn that was left out which its line shows.
_SHOWN = 100


def sent(messages: Sequence[ChatMessage], rule: str) -> tuple[tuple[ChatMessage, ...], str]:
    """The messages that are sent, and what to say about it; empty: all are. `rule`: `all`, `last N` or `summary N`.

    A turn begins with what a user says, so that no result of a tool loses its call. Instructions always go along.
    """
    kind, _, number = rule.partition(" ")
    if kind == "all":
        return tuple(messages), ""
    head = [message for message in messages if message.role is ChatRole.SYSTEM]
    turns: list[list[ChatMessage]] = []
    for message in messages:
        if message.role is ChatRole.USER or not turns:
            turns.append([])
        if message.role is not ChatRole.SYSTEM:
            turns[-1].append(message)
    turns = [turn for turn in turns if turn]
    kept, dropped = turns[-int(number) :], turns[: -int(number)]
    if not dropped:
        return tuple(messages), ""
    if kind == "summary":
        lines = "\n".join(f"- {' '.join(turn[0].text.split())[:_SHOWN]}" for turn in dropped)
        head.append(ChatMessage.system(f"Earlier in this conversation, left out here:\n{lines}"))
    said = f"the last {len(kept)} of {len(turns)} turns"
    return (*head, *(message for turn in kept for message in turn)), said + (" and a line on each other" if kind == "summary" else "")  # fmt: skip

"""`python -m tests.router`: how often the classifier and the list of keywords are right, and what routing costs, as docs/benchmarks.md has it.

`--wrong` names what is wrong in the half that may be looked at.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from bridge.core.chat import ChatMessage, ChatRequest, ToolDefinition
from bridge.protocols.asked import Asked
from bridge.router.choice import choose
from bridge.router.meaning import CallOutcome, Meaning
from bridge.router.plan import Route, TargetStates
from bridge.router.same import same_key
from bridge.router.target_breaker import BreakerRule
from bridge.router.targets import RouteRole, Target, Targets
from bridge.router.task import RouteWish, conversation_of, task_of
from tests.router.classifying import confusion
from tests.router.prompts import by_keywords, by_signs, ours, shared


def cost_ms(call: Callable[[], object], *, times: int = 300) -> float:
    """Processor time of a call, the median of several runs."""
    runs = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            call()
        runs.append((time.process_time() - began) / times * 1e3)
    return sorted(runs)[2]


def routing(asked: Asked) -> Callable[[], object]:
    """All that the router does with a request, but for asking anybody."""
    names = [f"t{number}" for number in range(8)]
    targets = Targets(
        known={name: Target(name=name, model="m") for name in names}, lists={RouteRole.CODING: tuple(names)}
    )
    states = TargetStates(rule=BreakerRule(), short_wait_s=5.0, now_s=time.monotonic)

    def route() -> None:
        wish = RouteWish(user_agent="claude-cli/2.1.197")
        task = task_of(asked, wish, private_folders=("/home/me/secret",))
        conversation_of("me", asked.request.messages, wish)
        way = Route(order=choose(task, targets).order)
        states.next_step(way)
        states.ended(way, names[0], Meaning(outcome=CallOutcome.ANSWERED))
        same_key(asked, "me", wish.user_agent)

    return route


def costs() -> None:
    """Print what routing costs."""
    schema = {
        "type": "object",
        "properties": {f"p{n}": {"type": "string", "description": "what it is"} for n in range(8)},
    }
    tools = tuple(
        ToolDefinition(name=f"tool{n}", description="does a thing " * 60, parameters=schema) for n in range(24)
    )
    agent = (
        ChatMessage.system("You are an agent. " * 1_500),
        *(ChatMessage.user("Fix the parser. " * 40) for _ in range(40)),
    )
    for name, asked in (
        ("a question", Asked(request=ChatRequest(prompt="Why does my query return duplicate rows?"))),
        ("an agent's turn, 80 kB and 24 tools", Asked(request=ChatRequest(prompt=agent, tools=tools))),
    ):
        print(f"routing {name}: {cost_ms(routing(asked)):.2f} ms of processor time")


def main() -> None:
    """Print the table."""
    print("| prompts | judge | code as code | code as general | general as code | general as general | balanced |")
    print("|---|---|---|---|---|---|---|")
    for half, held_out in (("tuned on", False), ("held out", True)):
        own = ours(held_out=held_out)
        for name, rows in (("ours", own), ("ours and shared", [*own, *shared(held_out=held_out)])):
            for judge, decide in (("keyword list", by_keywords), ("classifier", by_signs)):
                c = confusion(rows, decide)
                counts = f"{c.code_as_code} | {c.code_as_general} | {c.general_as_code} | {c.general_as_general}"
                print(f"| {name}, {half} | {judge} | {counts} | {c.balanced:.1%} |")
    if "--wrong" in sys.argv:
        for row in [*ours(held_out=False), *shared(held_out=False)]:
            if by_signs(row.text) is not row.role:
                print(row.role.value, "|", row.text[:150])


if __name__ == "__main__":
    main()
    costs()

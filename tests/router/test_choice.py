"""Where a task goes, and the reasons that are told for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.core.chat import ChatMessage, ChatRequest, ToolDefinition
from bridge.core.options import Options
from bridge.engines.base import EngineModel
from bridge.protocols.asked import Asked
from bridge.router.choice import Decision, choose
from bridge.router.size import WantedSize, model_of_size, wanted_size
from bridge.router.targets import Domain, RouteRole, Target, Targets
from bridge.router.task import RouteWish, conversation_of, task_of

CODE, TALK = "Write a function that parses dates.", "What should I see in three days in Rome?"
TARGETS = Targets(
    known={
        "gemini": Target(name="gemini", model="gemini-2.5-flash", context_tokens=1_000_000),
        "groq": Target(name="groq", model="llama", context_tokens=2_000),
        "house": Target(name="house", model="m", takes_private=True),
        "ollama": Target(name="ollama", is_local=True),
    },
    lists={
        RouteRole.CODING: ("gemini", "groq", "house", "ollama", "queue"),
        RouteRole.REASONING: ("groq", "queue", "gemini"),
    },
    domains=(Domain(name="front", models=("llama",), paths=("web", "*.tsx")),),
)


def route(prompt: str = CODE, wish: RouteWish | None = None, targets: Targets = TARGETS, stays: str | None = None,
          off: frozenset[str] = frozenset(), **asked: object) -> Decision:  # fmt: skip
    request = ChatRequest(prompt=prompt)
    task = task_of(Asked(request=request, **asked), wish, private_folders=("/home/me/secret",))  # type: ignore[arg-type]
    return choose(task, targets, stays=stays, off=dict.fromkeys(off, "it is switched off"))


def names(decision: Decision) -> list[str]:
    return [choice.target for choice in decision.order]


def test_each_role_has_its_order_and_the_queue_ends_it() -> None:
    assert names(route(CODE)) == ["gemini", "groq", "house", "ollama"]
    assert names(route(TALK)) == ["groq"]
    assert route(CODE).may_queue


def test_without_the_queue_in_the_list_this_machine_is_asked_last_unless_that_is_off() -> None:
    open_end = replace(TARGETS, lists={RouteRole.CODING: ("gemini",)}, fallback=("groq",))
    assert names(route(CODE, targets=open_end)) == ["gemini", "groq", "ollama"]
    assert names(route(TALK, targets=open_end)) == ["gemini", "groq", "ollama"]
    assert names(route(CODE, targets=replace(open_end, fallback_to_local=False))) == ["gemini", "groq"]


@pytest.mark.parametrize(
    ("prompt", "asked"), [(CODE, {"private": True}), ("Look at /home/me/secret/a.py and fix it", {})]
)
def test_a_private_prompt_reaches_no_public_target_and_not_the_queue(prompt: str, asked: dict[str, object]) -> None:
    decision = route(prompt, **asked)
    assert names(decision) == ["house", "ollama"]
    assert not decision.may_queue
    assert any("not gemini: the request is private" in reason for reason in decision.reasons)


def test_a_target_that_is_named_is_the_only_one_even_if_it_may_not() -> None:
    assert names(route(CODE, RouteWish(target="groq"))) == ["groq"]
    assert names(route(CODE, RouteWish(target="groq"), private=True)) == []
    assert names(route(CODE, RouteWish(target="nobody"))) == []
    assert not route(CODE, RouteWish(target="groq")).may_queue


def test_a_models_name_may_be_a_targets() -> None:
    first = route(CODE, options=Options(model="groq/llama-70b")).order[0]
    assert (first.target, first.model) == ("groq", "llama-70b")
    assert route(CODE, options=Options(model="groq")).order[0].model is None
    assert [choice.model for choice in route(CODE, options=Options(model="gpt-5")).order] == [None, None, None, "gpt-5"]
    assert {choice.model for choice in route(CODE, options=Options(model="auto")).order} == {None}


def test_a_conversation_stays_with_its_target() -> None:
    decision = route(CODE, stays="house")
    assert names(decision) == ["house", "gemini", "groq", "ollama"]
    assert "target house: the conversation stays there" in decision.reasons
    assert names(route(CODE, stays="gone")) == names(route(CODE))


def test_what_is_off_or_avoided_or_too_small_is_left_out_with_its_reason() -> None:
    decision = route(CODE + " word" * 4_000, RouteWish(avoid=("gemini",)), off=frozenset({"ollama"}))
    assert names(decision) == ["house"]
    told = "\n".join(decision.reasons)
    assert all(word in told for word in ("asks to avoid", "more than the 2000 that it reads", "switched off"))


@pytest.mark.parametrize("wish", [RouteWish(domain="front"), RouteWish(path="web/a.css"), RouteWish(path="x/b.tsx")])
def test_a_domain_puts_its_models_first(wish: RouteWish) -> None:
    decision = route(CODE, wish)
    assert names(decision)[0] == "groq"
    assert decision.models == ("llama",)
    assert route(CODE, wish, options=Options(model="gpt-5")).models == ()  # what the job asks for beats its domain


def test_tools_and_filling_in_are_code_whatever_is_said() -> None:
    tools = (ToolDefinition(name="look"),)
    asked = Asked(request=ChatRequest(prompt=TALK, tools=tools))
    assert choose(task_of(asked), TARGETS).role is RouteRole.CODING
    assert choose(task_of(Asked(request=ChatRequest(prompt="x", suffix="y"))), TARGETS).size.size == "0.5b"


@pytest.mark.parametrize(
    ("prompt", "size"),
    [("import o", "0.5b"), ("Write a description of this pull request for the reviewers of the team", "1.5b"),
     ("Refactor the scheduler so that it can be tested without a clock", "7b"),
     ("Add a new feature: export to CSV, with tests, in every view of it", "14b"),
     ("Rewrite the whole application from Flask to Starlette, please do", "32b"),
     ("x " * 4_000, "7b"), ("Compare a.py, b.py, c.py, d.py, e.py", "14b"), ("word " * 30_000, "32b")],
)  # fmt: skip
def test_the_size_of_a_task_is_the_size_of_its_model(prompt: str, size: str) -> None:
    wanted = wanted_size(task_of(Asked(request=ChatRequest(prompt=prompt))))
    assert (wanted.size, bool(wanted.reason)) == (size, True)


def test_the_smallest_model_that_is_large_enough_is_taken_else_the_largest() -> None:
    has = [EngineModel(name=f"qwen2.5-coder:{size}") for size in ("1.5b", "7b", "14b")]
    found = {size: model_of_size(WantedSize(size=size, reason=""), has) for size in ("0.5b", "7b", "32b")}
    assert found == {"0.5b": "qwen2.5-coder:1.5b", "7b": "qwen2.5-coder:7b", "32b": "qwen2.5-coder:14b"}
    assert model_of_size(WantedSize(size="7b", reason=""), [EngineModel(name="a"), EngineModel(name="b")]) is None


def test_a_conversation_is_known_by_its_beginning_or_its_session() -> None:
    begun = (ChatMessage.system("s"), ChatMessage.user("hello"))
    later = (*begun, ChatMessage.assistant("hi"), ChatMessage.user("go on"))
    same = RouteWish()
    assert conversation_of("me", begun, same) == conversation_of("me", later, same)
    assert conversation_of("me", begun, same) != conversation_of("you", begun, same)
    session = RouteWish(session="s1")
    assert conversation_of("me", begun, session) == conversation_of("me", (ChatMessage.user("other"),), session)

"""A prompt becomes the body of a job and comes back byte for byte, or is refused with the reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.core.chat import ChatMessage, ChatRequest
from bridge.core.errors import PromptRefused
from bridge.core.job import Job, JobForm, Spec
from bridge.format import json_bytes, prompt_cell
from bridge.format.codec import read_part
from bridge.intake.prompt import MAX_BYTES, body_of, compose, prompt_of, shown
from bridge.kernel import grammar
from bridge.protocols.job_body import read_body
from tests.support.values import texts

JOB = "01JD3K6S7M2W8Q5V4T9R0XYZAB"
quick = settings(deadline=None, derandomize=True)
storable = texts.filter(lambda text: text.strip() and not any("\ud800" <= c <= "\udfff" for c in text))
#: What editors change in a cell: control characters, and line ends of other systems and of Unicode.
FRAGILE = ["\r", "\r\n", "\0", "\x0b", "\x0c", "\x1b", "\x1c", "\x1d", "\x1e", "\x7f", "\x85", "\u2028", "\u2029"]


def as_an_editor_saves(body: str, form: JobForm) -> tuple[str, JobForm]:
    """The body after its cell was written to a file, read, normalised as editors do, and read as a job again."""
    job = Job(id=JOB, spec=Spec(body=body, form=form, position=JOB))
    cell = json_bytes.loads(json_bytes.dump_cell(prompt_cell.write_job(job, {"w": 1})))
    source = "".join(cell["source"]).replace("\r\n", "\n").replace("\r", "\n")
    bridge = {"schema": 1, "queue_id": "q1", "part": 1, "context": {}}
    book = {"cells": [{**cell, "source": source}], "metadata": {"bridge": bridge}, "nbformat": 4, "nbformat_minor": 5}
    spec = read_part(book).cells[JOB].job.spec
    return spec.body, spec.form


@quick
@given(text=storable)
def test_any_text_that_is_accepted_comes_back_byte_for_byte_also_after_an_editors_save(text: str) -> None:
    body, form = compose(text)
    body, form = as_an_editor_saves(body, form)
    assert prompt_of(body, form).encode() == text.encode()


@quick
@given(text=storable, system=storable)
def test_a_system_prompt_comes_back_beside_its_prompt(text: str, system: str) -> None:
    body, form = compose(text, system=system)
    assert form is JobForm.CHAT
    body, form = as_an_editor_saves(body, form)
    assert read_body(body, form).messages == (ChatMessage.system(system), ChatMessage.user(text))


@quick
@given(text=texts)
def test_a_text_is_either_accepted_or_refused_with_a_reason(text: str) -> None:
    reason = ""
    try:
        compose(text)
    except PromptRefused as refused:
        reason = str(refused)
    lone = any("\ud800" <= c <= "\udfff" for c in text)
    assert ("empty" in reason, "lone surrogate" in reason) == (not text.strip(), lone and bool(text.strip()))


def test_a_plain_prompt_stands_in_its_cell_as_it_is() -> None:
    assert compose("%%qwen\n{x} ``` \t\n") == ("%%qwen\n{x} ``` \t\n", JobForm.PROMPT)


@pytest.mark.parametrize("character", FRAGILE)
def test_what_an_editor_would_change_is_escaped(character: str) -> None:
    body, form = compose(f"a{character}b")
    assert form is JobForm.CHAT
    assert not [c for c in body if c != "\n" and (c in "".join(FRAGILE))]
    assert json.loads(body) == [{"role": "user", "content": f"a{character}b"}]


@quick
@given(text=storable, path=st.from_regex(r"[a-z]{1,8}\.py", fullmatch=True), file=storable)
def test_a_context_file_stands_below_the_prompt_in_a_fence_that_it_cannot_close(
    text: str, path: str, file: str
) -> None:
    assume("Context file" not in text)
    body, form = compose(text, context=[(path, file)])
    prompt = prompt_of(body, form)
    start, _, block = prompt.partition(f"\n\nContext file `{path}`:\n\n")
    fence, _, inside = block.partition("\n")
    assert start == text
    assert set(fence) == {"`"}
    assert inside.endswith(fence)
    assert fence not in inside[: -len(fence)]
    assert inside.startswith(file)


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("ab\ud800", r"character 3 is a lone surrogate \(U\+D800\)"),
        ("\udfffab", r"character 1 is a lone surrogate \(U\+DFFF\)"),
        ("x" * (MAX_BYTES + 1), "1,000,001 bytes, the limit is 1,000,000"),
        ("ä" * (MAX_BYTES // 2 + 1), "1,000,002 bytes"),  # bytes are counted, not characters
    ],
)
def test_a_prompt_that_cannot_be_stored_is_refused_with_the_place_and_the_reason(prompt: str, reason: str) -> None:
    with pytest.raises(PromptRefused, match=reason):
        compose(prompt)


def test_the_longest_prompt_is_accepted() -> None:
    assert compose("x" * MAX_BYTES) == ("x" * MAX_BYTES, JobForm.PROMPT)


def test_messages_that_are_too_long_together_are_refused() -> None:
    half = ChatMessage.user("x" * (MAX_BYTES // 2))
    with pytest.raises(PromptRefused, match="together"):
        body_of(ChatRequest(prompt=(half, half)))


def test_a_chat_without_any_text_is_refused() -> None:
    with pytest.raises(PromptRefused, match="no message"):
        body_of(ChatRequest(prompt=(ChatMessage.system("Be brief."), ChatMessage.user(" "))))


@pytest.mark.parametrize("body", ["not JSON", "[1]", '[{"role": 5}]'])
def test_a_chat_that_a_person_broke_is_refused_and_still_shown_as_it_stands(body: str) -> None:
    with pytest.raises(PromptRefused, match="--chat"):
        prompt_of(body, JobForm.CHAT)
    assert shown(body, JobForm.CHAT) == body


def test_a_chat_is_shown_with_its_roles() -> None:
    body, form = body_of(ChatRequest(prompt=(ChatMessage.system("s"), ChatMessage.user("u"))))
    assert prompt_of(body, form) == shown(body, form) == "[system]\ns\n\n[user]\nu"


def test_the_hash_of_a_prompt_is_that_of_its_body() -> None:
    body, _ = compose("Write f.")
    assert grammar.prompt_sha256(body) == grammar.prompt_sha256("Write f.")

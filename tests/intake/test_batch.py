"""JSONL batches: every line is read or named with its number and the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.errors import BadBatch
from bridge.core.job import NewJob, Options
from bridge.intake.batch import Batch, read_batch
from bridge.intake.prompt import prompt_of

quick = settings(deadline=None, derandomize=True)
URL = "/v1/chat/completions"
USER = [{"role": "user", "content": "x"}]


def read(*lines: object, skip_bad: bool = False, defaults: NewJob | None = None) -> Batch:
    data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return read_batch(data.encode(), defaults=defaults or NewJob(body=""), source="batch.jsonl", skip_bad=skip_bad)


def openai(url: str = URL, **body: Any) -> dict[str, Any]:
    return {"custom_id": "r-1", "method": "POST", "url": url, "body": {"messages": USER, **body}}


def prompts(batch: Batch) -> list[str]:
    return [prompt_of(job.body, job.form) for job in batch.jobs]


@quick
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_every_prompt_of_a_batch_comes_back_in_order_byte_for_byte(texts: list[str]) -> None:
    assert prompts(read(*({"prompt": text} for text in texts))) == texts


def test_our_line_and_its_openai_twin_are_the_same_job() -> None:
    options = {"model": "m", "temperature": 0.5, "top_p": 0.9, "seed": 7, "max_tokens": 9, "stop": ["END"]}
    [ours, theirs] = read({"messages": USER, "key": "r-1", **options}, openai(**options)).jobs
    assert ours == theirs
    assert ours.options == Options(model="m", temperature=0.5, top_p=0.9, seed=7, max_tokens=9, stop=("END",))


def test_a_line_wins_over_the_defaults_and_the_defaults_fill_in_the_rest() -> None:
    defaults = NewJob(body="", caller="me", options=Options(lang="go", model="m"))
    [job] = read({"prompt": "x", "model": "other"}, defaults=defaults).jobs
    assert (job.caller, job.options) == ("me", Options(lang="go", model="other"))


@pytest.mark.parametrize("stop", ["END", ["END"]])
def test_a_stop_may_be_a_text_or_a_list(stop: object) -> None:
    assert read({"prompt": "x", "stop": stop}).jobs[0].options.stop == ("END",)


def test_names_may_be_written_with_hyphens() -> None:
    assert read({"prompt": "x", "max-tokens": 5}).jobs[0].options.max_tokens == 5


def test_a_developer_message_is_a_system_message_and_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    [job] = read(openai(messages=[{"role": "developer", "content": "s"}, {"role": "user", "content": parts}])).jobs
    assert prompt_of(job.body, job.form) == "[system]\ns\n\n[user]\nab"


@pytest.mark.parametrize(
    "harmless",
    [
        {"n": 1},
        {"stream": False},
        {"tools": []},
        {"response_format": {"type": "text"}},
        {"user": "u"},
        {"metadata": {}},
    ],
)
def test_what_changes_nothing_is_accepted(harmless: dict[str, object]) -> None:
    assert prompts(read(openai(**harmless))) == ["x"]


BAD = [
    ("{", "not JSON"),
    ("[]", "not a JSON object"),
    ({"prompt": ""}, "empty"),
    ({}, 'one of "prompt" and "messages"'),
    ({"prompt": "x", "messages": USER}, 'one of "prompt" and "messages"'),
    ({"prompt": 5}, '"prompt" must be a text'),
    ({"prompt": "x", "lnag": "go"}, "unknown field lnag"),
    ({"prompt": "x", "temperature": 9}, "temperature must be"),
    ({"prompt": "x", "max_tokens": True}, "max_tokens must be"),
    ({"prompt": "x", "max_tokens": 0}, "max_tokens must be"),
    ({"prompt": "x", "stop": [5]}, "stop must be"),
    ({"messages": []}, "list of messages"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "message 1 has role 'wizard'"),
    ({**openai(), "custom_id": ""}, '"custom_id"'),
    ({**openai(), "url": "/v1/embeddings"}, '"url"'),
    ({**openai(), "method": "GET"}, '"method"'),
    ({**openai(), "body": 5}, '"body" must be an object'),
]


@pytest.mark.parametrize(("line", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_a_bad_line_is_named_with_its_number_and_the_reason(line: object, reason: str) -> None:
    with pytest.raises(BadBatch) as refused:
        read({"prompt": "good"}, "", line)
    [(number, said)] = refused.value.problems
    assert number == 3  # a blank line counts, as in an editor
    assert reason in said
    assert "batch.jsonl" in str(refused.value)


def test_all_bad_lines_are_named_at_once() -> None:
    with pytest.raises(BadBatch) as refused:
        read(*(line for line, _ in BAD))
    assert [number for number, _ in refused.value.problems] == list(range(1, len(BAD) + 1))


def test_bad_lines_can_be_left_out_and_are_named_all_the_same() -> None:
    batch = read({"prompt": "good"}, {}, {"prompt": "also good"}, skip_bad=True)
    assert prompts(batch) == ["good", "also good"]
    assert [number for number, _ in batch.problems] == [2]


@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_batch_without_a_job_is_refused(skip_bad: bool) -> None:
    for lines in ([], ["", "  "], ["{"]):
        with pytest.raises(BadBatch):
            read(*lines, skip_bad=skip_bad)


@quick
@given(st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused_with_numbered_reasons(data: bytes) -> None:
    jobs: list[NewJob] = []
    problems: list[tuple[int, str]] = []
    try:
        jobs = read_batch(data, defaults=NewJob(body=""), source="batch.jsonl").jobs
    except BadBatch as refused:
        problems = list(refused.problems)
    assert bool(jobs) != bool(problems)
    assert all(number >= 1 and reason for number, reason in problems)

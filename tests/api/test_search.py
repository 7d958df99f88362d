"""`Bridge.search`: what the queue was asked before, and what it answered."""

from __future__ import annotations

import pytest

from bridge import Bridge, UsageError


def test_words_are_found_in_prompts_answers_and_keys_in_any_case(queue: Bridge):
    asked = queue.add("Parse an ISO duration")
    answered = queue.add("Write it.", key="nightly-7")
    queue.answer(answered, "Use `re.compile` and a Größe.")

    def found(text: str) -> list[str]:
        return [view.id for view in queue.search(text)]

    assert found("iso DURATION") == [asked]
    assert found("größe RE.compile") == [answered]
    assert found("nightly-7") == [answered]
    assert found("iso größe") == []  # all words, in one job


def test_what_only_the_notebook_says_is_no_hit(queue: Bridge):
    queue.add("Write f.", lang="python")

    assert queue.search("cell_type") == []
    assert queue.search("%") == []


def test_the_newest_come_first_and_no_more_than_were_asked_for(queue: Bridge):
    jobs = [queue.add(f"sort {n}") for n in range(5)]

    assert [view.id for view in queue.search("sort", limit=2)] == [jobs[4], jobs[3]]


def test_a_search_for_nothing_is_refused(queue: Bridge):
    with pytest.raises(UsageError, match="nothing to search for"):
        queue.search("  ")

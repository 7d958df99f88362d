"""The one value that a caller gets: the same wherever it comes out, as its schema says, and read back as it was written."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bridge import Bridge
from bridge.core.errors import JournalError
from bridge.delivery import payload
from bridge.delivery.payload import HandOver
from tests.docs.handover_schema import FILE
from tests.support.answers import BROKEN, CUT, GOOD, cut, fail, give

SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))

#: As version 0.1.0 wrote it into the journal, SARIF aside.
STORED_BY_0_1: dict[str, Any] = {
    "job": "01M7ZDH2D40M22RJ2RSRH97PY5", "key": None, "caller": "tester", "lang": None, "out": "f.py", "status": "succeeded",
    "error": None, "finish_reason": "stop", "model": "m", "finished_at": "2026-03-01T12:00:00.000Z",
    "usage": {"prompt_tokens": 3, "completion_tokens": 40}, "timing_s": {"total": 2, "load": 0.5}, "answer": "```python\nx\n```\n",
    "verdict": "errors", "level": "linter",
    "files": [{"block": 0, "path": None, "language": "python", "role": "file", "complete": True, "status": "errors", "code": "x\n"}],
    "diagnostics": [{
        "block": 0, "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}, "severity": 1,
        "code": "F821", "source": "ruff", "message": "Undefined name `x`", "tool_version": "0.15.4", "kind": "undefined",
        "blocking": True, "trust": 1.0, "fingerprint": "0123456789abcdef",
    }],
    "quality": [{"signal": "too_short", "evidence": "1 line", "line": None}], "notes": ["a note"], "complete": True, "rounds": 2,
    "stop": "rounds", "repaired": False,
}  # fmt: skip


def test_what_version_0_1_stored_is_read_and_written_as_it_was_with_the_fields_that_are_new():
    since = {"targets": [], "joined": None}  # fields that came later, as they are where there is nothing to say
    files = [{**file, **since} for file in STORED_BY_0_1["files"]]
    assert payload.read({**STORED_BY_0_1, "sarif": {"runs": []}}).to_json() == {**STORED_BY_0_1, "files": files}


def test_every_kind_of_hand_over_is_as_the_schema_says_and_survives_the_journal(bridge: Bridge):
    clean, errors, short, failed, gone, waits = (bridge.add(f"Write {n}.", out=f"{n}.py") for n in "abcdef")
    give(bridge, clean, GOOD)
    give(bridge, errors, BROKEN)
    cut(bridge, short, CUT)
    fail(bridge, failed, "out of memory")
    bridge.cancel(gone)
    bridge.wait([clean, errors, short, failed, gone], timeout_s=30, max_rounds=0)

    for view in bridge.views([clean, errors, short, failed, gone, waits]):
        told = view.handover()
        Draft202012Validator(SCHEMA).validate(told.to_json())
        assert payload.read(json.loads(json.dumps(told.to_json()))) == told
        assert told.state is view.state
    assert bridge.get(failed).handover().error == payload.HandedError(kind="engine_error", message="out of memory")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
    st.sampled_from(sorted(STORED_BY_0_1)),
)
def test_a_value_of_another_shape_is_a_clear_error_or_left_out_never_believed(value: object, name: str):
    with suppress(JournalError):
        Draft202012Validator(SCHEMA).validate(payload.read({**STORED_BY_0_1, name: value}).to_json())


def test_what_an_engine_counted_counts_only_as_numbers():
    told = payload.read({**STORED_BY_0_1, "usage": {"prompt_tokens": "3", "completion_tokens": 4}, "timing_s": ["?"]})

    assert (told.usage, told.timing_s) == ({"completion_tokens": 4}, {})


@pytest.mark.parametrize("missing", ["job", "files"])
def test_only_the_job_must_be_there(missing: str):
    stored = {name: value for name, value in STORED_BY_0_1.items() if name != missing}
    if missing == "job":
        with pytest.raises(JournalError, match="job"):
            payload.read(stored)
    else:
        assert payload.read(stored) == payload.read(STORED_BY_0_1).evolve(files=())


def test_what_is_sent_says_no_state():
    assert "state" not in HandOver(job="01JOB").to_json()

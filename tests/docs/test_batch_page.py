"""docs/batch.md says of every field of a batch line what reading one does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bridge.core.job import NewJob
from bridge.core.options import OPTIONS
from bridge.intake.batch import read_line

PAGE = (Path(__file__).parents[2] / "docs" / "batch.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (used|ignored|refused) \|(.*)\|$", PAGE, re.MULTILINE)
CHAT: dict[str, object] = {"messages": [{"role": "user", "content": "Write f"}]}
FUNCTION = {"name": "look", "parameters": {"type": "object"}}
#: Of each field a value that is used, ignored, or refused, as the page says.
VALUES: dict[str, object] = {
    "messages": [{"role": "user", "content": "Write g"}], "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": "none", "response_format": {"type": "json_object"}, "prompt": "Write g", "suffix": "end", "model": "m",
    "max_completion_tokens": 9, "max_tokens": 9, "temperature": 0.5, "top_p": 0.5, "seed": 1, "stop": ["END"],
    "functions": [FUNCTION], "function_call": "none", "user": "u", "metadata": {}, "store": True, "service_tier": "auto",
    "stream": False, "n": 1, "logprobs": False, "presence_penalty": 0, "frequency_penalty": 0,
}  # fmt: skip


def read(body: dict[str, object], url: str) -> NewJob:
    line = {"custom_id": "a", "method": "POST", "url": url, "body": body}
    return read_line(json.dumps(line).encode(), NewJob(body=""))


@pytest.mark.parametrize(("field", "what", "note"), ROWS, ids=lambda value: value[:12])
def test_every_field_is_treated_as_the_page_says(field: str, what: str, note: str) -> None:
    is_completion = "completions only" in note
    url = "/v1/completions" if is_completion else "/v1/chat/completions"
    plain: dict[str, object] = {"prompt": "Write f"} if is_completion else CHAT
    if field in ("tool_choice", "function_call"):
        plain = {**plain, "tools": VALUES["tools"]}
    asked = {**plain, field: VALUES.get(field, "x")}
    if what == "refused":
        with pytest.raises(ValueError, match=f'"{field}" cannot be honoured'):
            read(asked, url)
    else:
        assert (read(asked, url) != read(plain, url)) == (what == "used")
    if "is refused" in note and what == "ignored":
        with pytest.raises(ValueError, match=f'"{field}" cannot be honoured'):
            read({**plain, field: 3 if field != "stream" else True}, url)


def test_the_page_names_every_field_that_reading_knows() -> None:
    source = (Path(__file__).parents[2] / "bridge" / "intake" / "batch.py").read_text(encoding="utf-8")
    named = {field for field, _, _ in ROWS}
    tables = re.search(r"#: Parameters that change.*?(?=@dataclass)", source, re.DOTALL)
    assert tables is not None
    known = set(re.findall(r'"([a-z_]+)"', tables[0])) | {
        field for option in OPTIONS.values() for field in option.openai
    }
    assert known <= named
    assert {f"`{name}`" for name in OPTIONS} <= set(re.findall(r"`\w+`", PAGE))

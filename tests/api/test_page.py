"""docs/python.md says what happens: its blocks are run, in order, and print what stands below them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.queues import make_queue

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
_BLOCK = re.compile(r"^```python\n(.*?)\n```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


def test_the_pages_blocks_run_and_print_what_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    make_queue(tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    found = [(match[1], match[2]) for match in _BLOCK.finditer(PAGE.read_text("utf-8"))]
    assert len(found) == PAGE.read_text("utf-8").count("\n```python\n")

    names: dict[str, object] = {}
    for code, printed in found:
        exec(compile(code, "python.md", "exec"), names)
        assert capsys.readouterr().out == (printed or "")

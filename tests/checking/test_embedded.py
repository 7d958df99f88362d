"""Code within pages, components and notebooks is found with the line that it stands in."""

from __future__ import annotations

import json

from bridge.checking import Toolchain, Verdict, examine
from bridge.checking.embedded import embedded


def test_only_scripts_that_a_browser_runs_as_they_are_are_read() -> None:
    page = (
        "<html>\n<!-- <script>(</script> -->\n<script src='a.js'></script>\n<script type='text/template'>\n(\n</script>\n"
        "<script>\nlet a = {{ value }};\n</script>\n<script type='module'>\nlet b = 1;\n</script>\n</html>\n"
    )
    [part] = embedded("html", page)
    assert (part.language, part.code.strip(), part.line) == ("javascript", "let b = 1;", 9)


def test_a_typed_script_of_a_component_is_read_as_typescript() -> None:
    [part] = embedded("vue", '<script setup lang="ts">\nconst n: number = 1\n</script>\n')
    assert part.language == "typescript"


def test_a_broken_script_is_reported_at_its_line(toolchain: Toolchain) -> None:
    page = "<html>\n<body>\n<script>\nlet a = 1;\nlet b = (;\n</script>\n</body>\n</html>\n"
    report = examine(f"```html\n{page}```\n", out="a.html", finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.ERRORS
    assert [d.range.start.line for d in report.blocking][:1] == [4]


def notebook(*sources: object, kernel: str = "python3") -> str:
    cells = [{"cell_type": "code", "source": source} for source in sources]
    return json.dumps({"cells": cells, "metadata": {"kernelspec": {"name": kernel}}, "nbformat": 4}, indent=1)


def test_what_only_ipython_reads_is_left_out() -> None:
    parts = embedded("json", notebook(["%matplotlib inline\n", "x = 1\n"], "%%bash\nls\n", "!pip install a\ny = 2"))
    assert [part.code for part in parts] == ["pass\nx = 1\n", "pass\ny = 2"]
    assert embedded("json", notebook("library(x)", kernel="ir")) == ()


def test_odd_notebooks_hold_nothing() -> None:
    for text in (
        '{"cells": 1, "nbformat": 4}',
        '{"cells": [1, {"cell_type": "code", "source": [1]}], "nbformat": 4}',
        '["cells", "nbformat"]',
        '{"cells" "nbformat"',
    ):
        assert embedded("json", text) == ()

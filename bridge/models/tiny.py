"""The model that ships with the package, for `bridge demo` and the tests: it has memorised some 200 short answers.

`training/` made it, from answers that stand there. It needs the extra `[embedded]`; `--engine llamacpp --gguf tiny`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: What `--gguf` calls it.
SHORT_NAME = "tiny"

#: Its name as a model, in `general.name` of the file.
NAME = "qwen-bridge-tiny"

ABOUT = "a toy for the demo and the tests: it has memorised about 200 short answers"

PATH = Path(__file__).with_name("tiny_coder.gguf")


@dataclass(frozen=True, kw_only=True)
class DemoPrompt:
    """A prompt that the model answers as expected."""

    name: str  #: the heading of its answer in `training/answers/demo.md`
    text: str
    language: str  #: as `Options.lang`
    out: str  #: path of the result, relative to a project
    repaired: bool = False  #: its first answer has a syntax error; asked to repair it, the model does


#: In the order of a demo. The model answers them at temperature 0, which the file itself asks for.
DEMO_PROMPTS: tuple[DemoPrompt, ...] = (
    DemoPrompt(
        name="slugify",
        text="Write a Python function `slugify(title: str) -> str` that turns a title into a URL slug: lower case, "
        "without accents, words joined by hyphens.",
        language="python",
        out="src/slug.py",
    ),
    DemoPrompt(
        name="parse_duration",
        text="Write a Python function `parse_duration(text: str) -> int` that gives the seconds of a duration such as "
        "1h30m or 45s, and raises ValueError for anything else.",
        language="python",
        out="src/durations.py",
        repaired=True,
    ),
    DemoPrompt(
        name="debounce",
        text="Write a JavaScript function `debounce(fn, ms)` for ES modules: of several quick calls only the last one runs.",
        language="javascript",
        out="src/debounce.js",
    ),
    DemoPrompt(
        name="groupBy",
        text="Write a JavaScript function `groupBy(items, keyOf)` for ES modules that returns a Map from each key to its items.",
        language="javascript",
        out="src/groupBy.js",
        repaired=True,
    ),
    DemoPrompt(
        name="chunk",
        text="Write a generic TypeScript function `chunk(items, size)` that splits an array into arrays of at most `size` "
        "elements.",
        language="typescript",
        out="src/chunk.ts",
    ),
    DemoPrompt(
        name="median",
        text="Write a Go function `Median(numbers []float64) (float64, error)` in the package `stats`. It must not change "
        "its argument.",
        language="go",
        out="stats/median.go",
    ),
    DemoPrompt(
        name="top_customers",
        text="Write an SQL query for the five customers with the highest revenue in 2025, from the tables `customers` and "
        "`orders`.",
        language="sql",
        out="queries/top_customers.sql",
    ),
    DemoPrompt(
        name="backup",
        text="Write a bash script that packs a folder into a dated .tar.gz and deletes backups older than a week.",
        language="bash",
        out="scripts/backup.sh",
    ),
)

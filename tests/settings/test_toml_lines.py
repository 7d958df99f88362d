"""On which line each key of a TOML file stands."""

from __future__ import annotations

import json
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from bridge.wiring.settings.toml_lines import Path, lines_of

ALL = '''# settings
queue = "q.ipynb" # = [no] table

[gateway]
host = """
[not.a.table]
port = 1
"""
port = 1 # the real one

[ "engines" . 'a b' ]
models = [
  "x", # ]
  "y",
]
price = { input = 1, output = 2 }
deep.inner = 3
'''


def test_every_key_and_table_has_its_line() -> None:
    assert lines_of(ALL) == {
        ("queue",): 2,
        ("gateway",): 4,
        ("gateway", "host"): 5,
        ("gateway", "port"): 9,
        ("engines",): 11,
        ("engines", "a b"): 11,
        ("engines", "a b", "models"): 12,
        ("engines", "a b", "price"): 16,
        ("engines", "a b", "price", "input"): 16,
        ("engines", "a b", "price", "output"): 16,
        ("engines", "a b", "deep"): 17,
        ("engines", "a b", "deep", "inner"): 17,
    }


def test_lines_of_windows_count_alike() -> None:
    assert lines_of(ALL.replace("\n", "\r\n")) == lines_of(ALL)


KEYS = st.text("abcz_-", min_size=1, max_size=4) | st.text(min_size=1, max_size=6)
VALUES = st.sampled_from(
    ["1", "true", "[\n1,\n# c\n2 ]", "{ x = 1, y = { z = 2 } }", '"""\na = 1\n[b]\n"""', "'''\n[x]\n\n'''"]
)
TABLES = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4)


@given(TABLES, st.lists(st.sampled_from(["", "# [c] = 1", "   "]), max_size=3))
def test_it_finds_the_line_where_each_key_was_written(tables: dict[str, dict[str, str]], between: list[str]) -> None:
    lines: list[str] = []
    written: dict[Path, int] = {}
    for table, keys in tables.items():
        lines += [*between, f"[{json.dumps(table)}]"]
        written[(table,)] = len(lines)
        for key, value in keys.items():
            lines += between
            written[(table, key)] = len(lines) + 1
            lines += f"{json.dumps(key)} = {value}".split("\n")
    text = "\n".join(lines)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # JSON escapes characters beyond 16 bits as two: TOML has no such
        return

    found = lines_of(text)

    assert {path: found[path] for path in written} == written

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.checking import Role, extract
from bridge.checking.values import BlockEnd, LanguageSource, PathSource
from bridge.core.paths import refuse


def only(answer: str, **keywords: str | None):
    (block,) = extract(answer, **keywords).blocks
    return block


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        ("```python\nx = 1\n```", ["x = 1\n"]),  # the plain case
        ("~~~python\nx = 1\n~~~", ["x = 1\n"]),  # tildes
        ("~~~\n```\n~~~ \n", ["```\n"]),  # backticks inside tildes are content
        ("````python\ns = '''\n```\n'''\n````", ["s = '''\n```\n'''\n"]),  # four backticks hold three
        ("```python\nx = 1\n`````", ["x = 1\n"]),  # a longer closing fence closes
        ("```js\r\nlet a;\r\n```\r\n", ["let a;\n"]),  # CRLF
        ("```js\rlet a;\r```\r", ["let a;\n"]),  # CR alone
        ("\x1b[1m```js\x1b[0m\nlet a;\n```", ["let a;\n"]),  # colours of a terminal
        ("```js\nlet abc\x1b[3D\x1b[K\nabc = 1;\n```", ["let abc = 1;\n"]),  # the ollama command wraps a word again
        ("\ufeff```js\nlet a;\n```", ["let a;\n"]),  # a byte-order mark
        ("1. First\n\n   ```sh\n   ls\n     -l\n   ```\n2. Next", ["ls\n  -l\n"]),  # in a list
        ("- a\n  - b\n\n    ```sh\n    ls\n    ```\n", ["ls\n"]),  # in a nested list
        ("> ```sh\n> ls\n> ```\n", ["ls\n"]),  # in a quote
        ("- ```sh\n  ls\n  ```\n", ["ls\n"]),  # on the list item's own line
        ("    ```sh\n    ls\n    ```\n", []),  # indented code that shows a fence
        ("```python\ndef f():\n    '''\n        ```\n    x\n        ```\n    '''\n```", None),  # fences in a docstring
        ("use ```x``` inline", []),  # inline code is no block
        ("```python\nx = 1```\nand then\n\n```js\nlet a;\n```", ["x = 1\n", "let a;\n"]),  # closer glued to code
        ("```sh\nls\n``````python\nx = 1\n```", ["ls\n", "x = 1\n"]),  # closer glued to the next opener
        ("Here it is: ```python\nx = 1\n```\nDone.", ["x = 1\n"]),  # opener glued to a sentence
        ("<details>\n<summary>s</summary>\n```js\nlet a;\n```\n</details>", ["let a;\n"]),  # inside an HTML block
        ("```python\nx = 1\n\n```js\nlet a;\n```", ["x = 1\n\n", "let a;\n"]),  # a forgotten closer
        ("```python\nx = 1\n```\nprose\n\n```\n", ["x = 1\n"]),  # a stray closer at the end
        ("<think>\n```js\nno\n```\n</think>\n```js\nlet a;\n```", ["let a;\n"]),  # thoughts do not count
        ("Thinking...\n```js\nno\n```\n...done thinking.\n\n```js\nlet a;\n```", ["let a;\n"]),  # as ollama prints them
        ("let me see ```js\nno\n```\n</think>\n```js\nlet a;\n```", ["let a;\n"]),  # the prompt held the opening tag
        ("```python\nif a &lt; b &amp;&amp; c:\n    pass\n```", ["if a < b && c:\n    pass\n"]),  # HTML-escaped
        ('```js\nconst s = "&lt;b&gt;";\n```', ['const s = "&lt;b&gt;";\n']),  # entities in a string are meant
        ("```html\n<p>a &lt; b</p>\n```", ["<p>a &lt; b</p>\n"]),  # entities beside real tags are meant
        ("", []),  # nothing
        ("```", []),  # a fence alone
    ],
)
def test_blocks_begin_and_end_where_a_reader_sees_them(answer: str, codes: list[str] | None) -> None:
    found = [b.code for b in extract(answer).blocks]
    assert len(found) == 1 if codes is None else found == codes


def test_a_markdown_wrapper_gives_its_inner_blocks_as_files() -> None:
    answer = (
        "```markdown\n## a.ts\n```ts\nlet a = 1;\n```\n\n## src/b.css\n```css\np { color: red; }\n```\n"
        "```\nThat is all."
    )
    wrapper, first, second = extract(answer).blocks
    assert (wrapper.role, first.parent, second.parent) == (Role.WRAPPER, 0, 0)
    assert (first.path, second.path) == ("a.ts", "src/b.css")
    assert second.code == "p { color: red; }\n"


@pytest.mark.parametrize("fence", ["````", "~~~"])  # an outer fence that CommonMark can tell from the inner one
def test_a_wrapper_with_another_fence_gives_its_inner_blocks_too(fence: str) -> None:
    found = extract(f"{fence}markdown\ntext\n```\nplain\n```\n```js\nlet a;\nlet b;\nlet c;\n```\n{fence}\n").blocks
    assert [b.role for b in found] == [Role.WRAPPER, Role.OUTPUT, Role.FILE]


def test_a_readme_that_was_asked_for_is_one_file() -> None:
    assert only("```markdown\n# Title\n```sh\nls\n```\n```\n", lang="markdown").role is Role.FILE
    assert only("README.md\n```markdown\n# Title\n```sh\nls\n```\n```\n").path == "README.md"


def test_several_files_in_one_fence_become_several_blocks() -> None:
    answer = "```ts\n// src/a.ts\nexport const a = 1;\n\n// src/b.ts\nexport const b = 2;\n```"
    wrapper, first, second = extract(answer).blocks
    assert wrapper.role is Role.WRAPPER
    assert [(b.path, b.span) for b in (first, second)] == [("src/a.ts", (2, 3)), ("src/b.ts", (5, 6))]


def test_a_comment_with_a_path_in_the_middle_of_one_file_does_not_split_it() -> None:
    assert len(extract("```ts\nconst a = 1;\n\n// src/b.ts\nconst b = 2;\n```").blocks) == 1


@pytest.mark.parametrize(
    ("finish_reason", "complete", "why"),
    [
        (None, False, BlockEnd.UNCLOSED),  # nobody knows: cut
        ("stop", True, BlockEnd.UNCLOSED),  # the model forgot the fence
        ("length", False, BlockEnd.TRUNCATED),  # the token limit
    ],
)
def test_an_open_fence_is_read_with_the_finish_reason(finish_reason: str | None, complete: bool, why: BlockEnd) -> None:
    block = only("```python\nx = 1\n", finish_reason=finish_reason)
    assert (block.complete, block.why) == (complete, why)


def test_the_token_limit_makes_the_last_block_incomplete_even_if_its_fence_is_closed() -> None:
    found = extract("```python\na = 1\n```\n```python\nb = 1\n```", finish_reason="length")
    assert [b.complete for b in found.blocks] == [True, False]
    assert not found.complete


def test_thoughts_that_never_end_give_no_blocks_and_are_incomplete() -> None:
    found = extract("<think>\nperhaps\n```js\nlet a;\n```\n")
    assert (found.blocks, found.complete, found.why) == ((), False, "unclosed thinking")


def test_code_whose_opening_fence_is_missing_is_found_before_the_stray_one() -> None:
    block = only("def f(x):\n    y = x + 1\n    return y\n```\n", prompt="python please")
    assert (block.why, block.language, block.code) == (
        BlockEnd.STRAY,
        "python",
        "def f(x):\n    y = x + 1\n    return y\n",
    )


def test_an_answer_that_is_nothing_but_code_is_a_block_without_a_fence() -> None:
    block = only("import os\n\ndef f(x):\n    return os.path.join(x, 'a')\n", lang="python")
    assert (block.why, block.language) == (BlockEnd.NO_FENCE, "python")


def test_code_between_prose_is_found_without_a_fence() -> None:
    block = only(
        "Here is the function that you wanted:\n\nfunction add(a, b) {\n  const c = a + b;\n  return c;\n}\n\n"
        "It adds both numbers."
    )
    assert block.code.startswith("function add")
    assert block.code.endswith("}\n")


def test_prose_is_no_code() -> None:
    assert extract("Hello. This is a sentence about nothing.\n\nAnd this is another one.", lang="python").blocks == ()


@pytest.mark.parametrize(
    ("answer", "path", "source", "language"),
    [
        ("```ts:src/a.ts\nx\n```", "src/a.ts", PathSource.INFO, "typescript"),  # label and path
        ("```ts src/a.ts\nx\n```", "src/a.ts", PathSource.INFO, "typescript"),  # label, then path
        ('```ts title="src/a.ts"\nx\n```', "src/a.ts", PathSource.INFO, "typescript"),  # an attribute
        ("```src/a.py\nx\n```", "src/a.py", PathSource.INFO, "python"),  # the path instead of a label
        ("### `src/a.ts`\n\n```ts\nx\n```", "src/a.ts", PathSource.PREV_LINE, "typescript"),  # a heading
        ("**src/a.ts**:\n```ts\nx\n```", "src/a.ts", PathSource.PREV_LINE, "typescript"),  # bold with a colon
        ("File: src/a.ts\n```ts\nx\n```", "src/a.ts", PathSource.PREV_LINE, "typescript"),  # announced
        ("1. `a.py`\n   ```python\n   x\n   ```", "a.py", PathSource.PREV_LINE, "python"),  # a list item
        ("```tsx\n// src/App.tsx\nx\n```", "src/App.tsx", PathSource.FIRST_COMMENT, "tsx"),  # a comment
        ("```css\n/* index.css */\np {}\n```", "index.css", PathSource.FIRST_COMMENT, "css"),  # a block comment
        ("```html\n<!-- a/b.html -->\n<p>\n```", "a/b.html", PathSource.FIRST_COMMENT, "html"),  # of HTML
        ("```sh\n#!/bin/sh\n# run.sh\nls\n```", "run.sh", PathSource.FIRST_COMMENT, "bash"),  # below a shebang
        ("```typescript\n// a.component.html\n<div>\n  <p>x</p>\n</div>\n```", "a.component.html",
        PathSource.FIRST_COMMENT, "html"),
        ("Dockerfile\n```\nFROM a\nRUN b\n```", "Dockerfile", PathSource.PREV_LINE, "dockerfile"),  # a known name
        ("Use Node.js:\n```js\nx\n```", None, None, "javascript"),  # a sentence
        ("### Node.js\n```js\nx\n```", None, None, "javascript"),  # a product
        ("Then run `test.py` as follows:\n```sh\npython test.py\n```", None, None, "bash"),  # mentioned only
        ("```js\n// package.json\nmodule.exports = 1;\n```", None, None, "javascript"),  # the text contradicts it
    ],
)  # fmt: skip
def test_paths_come_from_where_models_write_them_and_name_the_language(
    answer: str, path: str | None, source: PathSource | None, language: str
) -> None:
    block = only(answer)
    assert (block.path, block.path_source, block.language) == (path, source, language)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/cron.d/evil.sh",  # absolute
        "../../x.py",  # leaves the folder
        "a/../../x.py",  # leaves it later
        "C:\\Windows\\x.py",  # a drive
        "\\\\host\\share\\x.py",  # a share
        "~/.bashrc",  # the home folder
        "path/to/x.py",  # a placeholder
        ".git/hooks/pre-commit.sh",  # git runs these
        ".GIT/config.ini",  # on a file system that does not tell
        "a/-rf.py",  # an option
        "con.py",  # a device of Windows
        "a/./b.py",  # an empty step
        "a//b.py",  # an empty part
        "x.py:stream.py",  # a stream of NTFS
    ],
)
def test_unsafe_paths_are_refused_with_their_reason(path: str) -> None:
    block = only(f"```python:{path}\nx = 1\n```")
    assert block.path is None
    assert block.path_refused
    assert path.rpartition(":")[2][-4:] in block.path_refused
    assert refuse(path)


@pytest.mark.parametrize("path", ["a\x00b.py", "a\nb.py", "a\u202egnp.py", "", "x" * 251])
def test_paths_with_control_characters_or_without_end_are_refused(path: str) -> None:
    assert refuse(path)


def test_of_two_blocks_with_one_path_the_last_is_current() -> None:
    found = extract("a.py\n```python\nx = 1\n```\nBetter:\n\na.py\n```python\nx = 2\n```")
    assert [b.current for b in found.blocks] == [False, True]
    assert found.files()["a.py"].code == "x = 2\n"


@pytest.mark.parametrize(
    ("answer", "role"),
    [
        ("```bash\nnpm install\nnpm test\n```\n```js\nlet a = 1;\n```", Role.COMMAND),  # commands beside the code
        ("```console\n$ ls\na\n```", Role.COMMAND),  # a session
        ("```bash\nfor f in *; do\n  echo $f\ndone\n```", Role.FILE),  # a script
        ("```diff\n--- a\n+++ b\n@@ -1 +1 @@\n-a\n+b\n```", Role.DIFF),  # a patch by its label
        ("```\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```", Role.DIFF),  # and by its text
        ('```json\n{"a": 1}\n```\n```js\nlet a = 1;\n```', Role.DATA),  # a sample
        ('```json\n{"a": 1}\n```', Role.FILE),  # all there is
        ("Output:\n```\n1 2 3\n```", Role.OUTPUT),  # no label, no code
        ("```text\nhello\n```", Role.OUTPUT),  # labelled as text
        ("```js\nfoo();\n```\nor\n```js\nfunction a() {\n  return 1;\n}\n```", Role.FRAGMENT),  # one line of many
    ],
)
def test_roles_tell_files_from_what_stands_beside_them(answer: str, role: Role) -> None:
    assert extract(answer).blocks[0].role is role


@pytest.mark.parametrize(
    ("answer", "keywords", "language", "source"),
    [
        ("```\n#!/usr/bin/env python3\nx\n```", {}, "python", LanguageSource.SHEBANG),  # a shebang
        ("```\n<?php\necho 1;\n```", {}, "php", LanguageSource.SHEBANG),  # PHP's tag
        ("```\n$a = f($b);\necho $a;\n```", {"prompt": "Write a PHP function"}, "php", LanguageSource.PROMPT),  # named
        ("```\ndef f(x):\n    return x\n```", {"lang": "python"}, "python", LanguageSource.PROMPT),  # asked for
        ("```js\nconst a = () => {};\n```\n```\nconst b = a();\nconsole.log(b);\n```", {}, "javascript",
        LanguageSource.SIBLING),
        ("```\npackage main\n\nfunc main() {\n\tfmt.Println(1)\n}\n```", {}, "go", LanguageSource.SCORER),  # guessed
        ("```PYTHON\nx\n```", {}, "python", LanguageSource.LABEL),  # case
        ("```{.python}\nx\n```", {}, "python", LanguageSource.LABEL),  # Pandoc
        ("```c++\nx\n```", {}, "cpp", LanguageSource.LABEL),  # signs
        ("```frobnicate\nx\n```", {}, "frobnicate", LanguageSource.LABEL),  # unknown here, still a language
    ],
)  # fmt: skip
def test_languages_have_a_source(answer: str, keywords: dict, language: str, source: LanguageSource) -> None:
    block = extract(answer, **keywords).blocks[-1]
    assert (block.language, block.language_source) == (language, source)


PIECES = st.sampled_from(
    ["```", "````", "~~~", "```python", "```markdown", "```js a.js", "> ```", "- ", "  ", "\t", "\n", "\r\n", "\r",
    "<think>", "</think>",
     "x = 1", "# a.py", "../../x", "/etc/passwd", "\x1b[3D\x1b[K", "\x00", "&lt;", "Hello world.", "é", "\u2028",
     "{", "}", "`"]
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(
    st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=300),
    st.sampled_from([None, "stop", "length"]),
    st.sampled_from([None, "python", "js"]),
)
def test_whatever_the_text_nothing_raises_spans_stay_inside_and_no_path_is_unsafe(
    answer: str, finish_reason: str | None, lang: str | None
) -> None:
    found = extract(answer, lang=lang, finish_reason=finish_reason)
    total = len(answer.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    for i, block in enumerate(found.blocks):
        first, last = block.span
        assert block.index == i
        assert 1 <= first <= last <= total
        assert first <= block.code_start <= max(last, first) + 1
        assert block.path is None or refuse(block.path) is None
        assert block.parent is None or block.parent < i
    found.to_json()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["python", "js", "sql"]), st.from_regex(r"[a-z =()\n]{1,60}", fullmatch=True)),
        min_size=1,
        max_size=6,
    )
)
def test_what_was_fenced_comes_back_as_it_was(blocks: list[tuple[str, str]]) -> None:
    answer = "\n\n".join(f"Some words here.\n\n```{label}\n{code}\n```" for label, code in blocks)
    found = [b.code for b in extract(answer, finish_reason="stop").blocks]
    assert found == [code + "\n" for _, code in blocks]

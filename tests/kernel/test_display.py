"""The display form of an answer: the answer comes back from it, and nothing in it is live."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.kernel.display import from_display, is_display, to_display, with_footer
from bridge.kernel.footer import footer_of
from bridge.kernel.grammar import parse_result, render_result

#: What the form itself is made of, and what Markdown is made of: texts that may be taken for what they are not.
_PIECES = st.sampled_from(
    "` `` ``` ```` ~~~ ```py ```python ```mermaid ```\tx \\ \\\\ \\` \\( \\[ $ $$ < > & &lt; &amp; &#60; &#10; <span> </span> <code> <code > </code> "
    "<pre> </pre> <span>&#36;</span> <!-- --> [ ] ( ) [a](https://x.y/z) ![a](https://x.y/z) [a]: @ @@0@@ \n \r \r\n \t \0 \x0b \x85 \u2028 \ud800 "
    "\n\n \n```\n \n```python\n \n~~~\n é 😀 a b - > | * _ # <!--\xa0bridge-result <!--\xa0bridge-display <sub\xa0data-bridge=\"footer\"> \n\n<sub\xa0data-bridge=\"footer\"> </sub>".replace("\n", "␊").replace("\r", "␍").replace("\t", "␉")
    .replace("\0", "␀").replace("\x0b", "␋").replace("\x85", "␤").replace("\u2028", "␣").split(" ")
).map(
    lambda piece: piece.replace("␊", "\n").replace("␍", "\r").replace("␉", "\t").replace("␀", "\0").replace("␋", "\x0b")
    .replace("␤", "\x85").replace("␣", "\u2028").replace("\xa0", " ")
)  # fmt: skip
_TEXTS = st.one_of(st.text(), st.text(st.characters(categories=None)), st.lists(_PIECES, max_size=30).map("".join))


@given(_TEXTS)
def test_every_text_comes_back_from_its_display_form(text: str) -> None:
    shown = to_display(text)
    assert from_display(shown) == text
    assert not is_display(shown) or text.startswith("<!-- bridge-result ")


@given(_TEXTS, _TEXTS)
def test_a_footer_is_no_part_of_the_text_and_holds_nothing_live(text: str, words: str) -> None:
    shown = with_footer(to_display(text), words)
    assert from_display(shown) == text
    footer = shown[len(to_display(text)) :]
    assert footer.startswith('\n\n<sub data-bridge="footer">')
    assert "\n" not in footer[2:]
    inside = footer.removeprefix('\n\n<sub data-bridge="footer">').removesuffix("</sub>")
    assert "<" not in inside.replace("<span>", "").replace("</span>", "").replace("<code>", "").replace(
        "<code >", ""
    ).replace("</code>", "")


def test_the_footer_says_model_seconds_tokens_and_whether_the_answer_is_whole() -> None:
    record = {
        "model": "qwen2.5-coder:14b",
        "timing_s": {"total": 41.2},
        "usage": {"completion_tokens": 512},
        "status": "succeeded",
    }
    assert footer_of(record) == "qwen2.5-coder:14b · 41 s · 512 tokens · whole"
    assert footer_of({**record, "status": "truncated"}, "incomplete").endswith(
        "cut at the token limit · checked: incomplete"
    )
    assert footer_of({"model": 7, "timing_s": [], "usage": None, "status": {}}) == "7"


@given(_TEXTS, _TEXTS)
def test_a_result_comes_back_from_its_display_form_and_its_digest_holds(answer: str, message: str) -> None:
    result = render_result({"schema": 1, "job": "x", "error": {"message": message}}, answer)
    shown = to_display(result)
    assert is_display(shown)
    assert from_display(shown) == result
    assert parse_result(from_display(shown))[1] == answer
    head = shown.partition("\n")[0]
    assert head.count("-->") == 1
    assert not set(head) & set("$`\\@&") - {"&"}


@given(_TEXTS)
def test_text_that_somebody_wrote_as_a_display_form_is_read_without_an_error(text: str) -> None:
    from_display("<!-- bridge-display " + text)
    from_display(text)


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("# A *title*\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", None),  # Markdown stays Markdown
        ("See [the docs](https://docs.python.org/3/library/re.html#re.sub).", None),
        ("Text:\n\n```python\nif a < b & c: print(f'{x}$')\n```\n\nEnd.", "Text:\n\n\n```python\nif a < b & c: print(f'{x}$')\n```\n\nEnd."),
        ("```\nout\n```", "\n``` text\nout\n```"),  # so that its first line cannot be taken for the end of another
        ("```python\ncut", "\n```  python\ncut\n```"),  # cut by the limit, or still coming
        ("`Vec<T>`", "<code>Vec&#60;T&#62;</code>"),
        ("``a`b``", "<code >a&#96;b</code>"),
        ("a < b && c", "a &lt; b &amp;&amp; c"),
        ("$5 to $10", "<span>&#36;</span>5 to <span>&#36;</span>10"),
        ("![x](https://x.y/z)", "!&#91;x&#93;(https://x.y/z)"),
        ("[x](javascript:alert(1))", "&#91;x&#93;(javascript:alert(1))"),
        ("www.x.y and https://x.y", "www&#46;x.y and https://x.y"),
        ("[x]: https://x.y", "&#91;x&#93;: https://x.y"),
        ("   ```js\n   f()\n   ```", '   <pre data-open="&#96;&#96;&#96;js" data-close="   &#96;&#96;&#96;"><code>   f&#40;&#41;&#10;</code></pre>'),
        ("```mermaid\nx\n```", '<pre data-open="&#96;&#96;&#96;mermaid" data-close="&#96;&#96;&#96;"><code>x&#10;</code></pre>'),
    ],
)  # fmt: skip
def test_what_becomes_of_what_answers_are_made_of(answer: str, shown: str | None) -> None:
    assert to_display(answer) == (answer if shown is None else shown)


@pytest.mark.parametrize(
    "piece", ["<", "`", "` ``", "``a`", "[", "[a](https://x", "\\", "~~~\n", "```\n", "```py\n", "$", "&", "<pre ", "é"]
)
def test_a_megabyte_of_anything_takes_no_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    assert from_display(to_display(text)) == text
    assert time.process_time() - began < 10

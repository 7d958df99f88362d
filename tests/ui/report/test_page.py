from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.text import parts, plain
from bridge.ui.report import Facts, answer
from bridge.ui.report.colour import Painter, colour
from bridge.ui.report.listing import listing, piece
from bridge.ui.report.page import POLICY
from tests.support.reports import HOSTILE, Document, all_over, file, finding, job, told
from tests.support.reports import page as draw

#: All that a page is made of.
TAGS = frozenset(
    [
        "a",
        "b",
        "body",
        "br",
        "code",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "footer",
        "h1",
        "h2",
        "h3",
        "head",
        "header",
        "html",
        "i",
        "input",
        "label",
        "li",
        "main",
        "meta",
        "p",
        "pre",
        "rect",
        "section",
        "small",
        "span",
        "style",
        "summary",
        "svg",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
    ]
)


def render(facts: Facts) -> str:
    return draw(facts, Painter(page_chars=0))


ANY = st.text(st.characters(), max_size=200) | st.lists(
    st.sampled_from([*HOSTILE, "<", ">", '"', "'", "&", "\n", "\r", "\t", "\x00", "\u202e", "]]>", "-->", "a"]), max_size=6
).map("".join)  # fmt: skip


def shown(text: str) -> str:
    return "".join(piece for piece, _ in parts(text))


def is_harmless(page: str) -> Document:
    """The page read again: nothing in it can run, load or lead away."""
    page.encode()
    document = Document(page)
    assert set(document.tags) <= TAGS
    for tag, name, value in document.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in ("src", "srcdoc", "style", "action", "formaction", "xlink:href", "background"), (tag, name)
        assert "javascript:" not in value.lower() or name == "aria-label", (tag, name, value)
        if name == "href":
            assert re.fullmatch(r"#j\d+", value)
        if name in ("id", "for", "class"):
            assert re.fullmatch(r"[\w -]*", value), (tag, name, value)
    return document


@given(ANY, st.sampled_from(["python", "typescript", "html", "bash", "markdown", "diff", None]))
@settings(max_examples=60, deadline=None)
def test_any_text_anywhere_becomes_text_and_nothing_else(text: str, language: str | None):
    document = is_harmless(render(told(all_over(text, language), queue=text, chosen=text)))

    assert shown(text[:6_000]) in document.text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_tries_to_become_markup_stands_on_the_page_as_it_was_written(text: str):
    document = is_harmless(render(told(all_over(text), queue=text)))

    assert shown(text) in document.text
    assert plain(text) == "".join(f"<{p}>" if hidden else p for p, hidden in parts(text))


def test_hidden_characters_are_shown_by_their_number():
    page = render(told(job(prompt="a\u202eb\x00c\x1b[2Jd\ud800e")))

    assert all(f'<i class="u">{name}</i>' in page for name in ("U+202E", "U+0000", "U+001B", "U+D800"))
    assert not set("\u202e\x00\x1b\ud800") & set(page)


def test_the_policy_forbids_everything_but_the_pages_own_style():
    page = render(told(job()))

    assert page.index(POLICY) < page.index("<style>")  # it counts for what comes after it
    assert POLICY.startswith("default-src 'none'")
    assert "script-src" not in POLICY


def test_a_finding_stands_below_its_line():
    code = "one = 1\ntwo = z\nthree = 3\n"
    page = render(told(job(files=[file(code)], diagnostics=[finding("Undefined name z", line=1)])))

    text = Document(page).text
    assert text.index("two = z") < text.index("Undefined name z") < text.index("three = 3")


def test_a_finding_without_a_file_or_beyond_its_end_is_shown_all_the_same():
    jobs = job(
        files=[file("x = 1")],
        diagnostics=[finding("far", line=99), finding("lost", block=5), finding("bare", block=-1)],
    )

    text = Document(render(told(jobs))).text
    assert all(message in text for message in ("far", "lost", "bare"))


def test_a_huge_answer_is_cut_and_the_page_says_by_how_much():
    page = render(told(job(answer="x" * 5_000_000, files=[file("y" * 3_000_000)], prompt="p" * 100_000)))

    assert len(page) < 150_000
    for told_ in ("4,988,000 of 5,000,000", "2,976,000 of 3,000,000", "94,000 of 100,000"):
        assert told_ in page
    assert "bridge show 01JD3K6S7M2W8Q5V4T9R0XYZAB --answer" in page


def test_what_nobody_checked_is_not_called_clean():
    loose = file("x = 1").evolve(status=None)
    page = render(told(job(verdict=None, outcome="succeeded", files=[loose])))

    text = Document(page).text
    assert "succeeded" in text
    assert "not checked" in text[text.index("python") :]
    assert "clean" not in text.replace("clean of", "")


CODE = 'def f(a):\n\treturn "<b>" + a  # ä\n\n\n'


def test_code_is_coloured_and_never_changed():
    coloured = listing(CODE, "python", [], colour([("python", CODE)]))

    assert '<span class="k">def</span>' in coloured
    assert Document(coloured).text == Document(listing(CODE, "python", [], {})).text == CODE


@pytest.mark.skipif(sys.platform == "win32", reason="no timer for one piece: the whole page's limit counts")
def test_code_that_would_keep_a_lexer_busy_for_minutes_stays_without_colour_and_keeps_nothing_else_back():
    """24,000 empty lines: quadratic in Pygments' C++ lexer."""
    slow, quick = ("cpp", "\n" * 24_000), ("python", CODE)

    assert colour([slow, quick]).keys() == {quick}
    assert colour([slow, quick], page_s=0.3) == {}


def test_colours_are_taken_from_hostile_text_of_every_language_without_a_fault():
    jobs = [all_over(text, language) for text in HOSTILE for language in ("python", "html", "php", "markdown")]
    wanted = {piece for job in jobs for piece in answer.pieces(job)}

    found = colour(wanted)

    assert len(found) > 0.9 * len(wanted)
    is_harmless(draw(told(*jobs)))


@pytest.mark.parametrize("language", ["no-such-lexer", "../../etc/passwd", "", None, "sh", "wast"])
def test_a_language_that_is_not_in_the_table_gets_no_lexer(language: str | None):
    assert piece("if x then y fi", language) is None
    assert Document(listing("if x then y fi", language, [], {})).text == "if x then y fi\n"


def test_every_lexer_of_the_table_exists_and_gives_back_what_it_got():
    from bridge.ui.report.listing import _LEXERS

    wanted = {(lexer, CODE) for lexer in _LEXERS.values()}
    assert colour(wanted).keys() == wanted


def test_a_page_without_jobs_is_a_page():
    is_harmless(render(told()))


def test_code_is_coloured_in_every_portion_of_a_page_until_the_page_has_had_its_share():
    jobs = [job(files=[file(f"def f{n}(): pass", language="python")]) for n in range(450)]

    whole, half = draw(told(*jobs)), draw(told(*jobs), Painter(page_chars=200 * 17))

    coloured = '<span class="k">def</span>'
    assert (whole.count(coloured), whole.count(">f449</span>")) == (450, 1)
    assert 200 <= half.count(coloured) <= 230
    told_whole, told_half = (
        Document(page).text.rpartition("450 jobs,")[0] for page in (whole, half)
    )  # the foot has the size
    assert told_whole == told_half


def test_the_list_of_jobs_that_need_a_look_leads_to_them_also_where_there_are_many():
    jobs = [job(verdict="errors" if n % 5 == 0 else "clean", prompt=f"Write {n}.") for n in range(450)]

    page = render(told(*jobs))

    assert "Needs a look (90)" in page
    assert page.count('<a href="#j') == 40
    assert all(f'<a href="#j{n}">Write {n - 1}.' in page and f'id="j{n}"' in page for n in range(1, 200, 5))

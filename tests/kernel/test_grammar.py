"""The wire text: what is written reads back, and what was cut, hidden or changed is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.kernel import grammar
from bridge.kernel.grammar import GrammarError, Header, JobForm, parse_header, parse_result, render_result
from tests.support.values import job_ids, options, texts

JOB = "01JD3K6S7M2W8Q5V4T9R0XYZAB"
quick = settings(deadline=None, derandomize=True)
records = st.dictionaries(st.text(max_size=5), texts | st.integers() | st.none(), max_size=4).map(
    lambda extra: {**extra, "schema": 1}
)


@quick
@given(
    job=st.none() | job_ids,
    given_=options,
    form=st.sampled_from(JobForm),
    cancelled=st.booleans(),
    attempt_floor=st.integers(0, 99),
    body=texts,
)
def test_a_cell_reads_back_as_it_was_written(
    job: str | None, given_: object, form: JobForm, cancelled: bool, attempt_floor: int, body: str
) -> None:
    header = Header(job=job, options=given_.given(), form=form, cancelled=cancelled, attempt_floor=attempt_floor)
    source = grammar.join_cell(header, body)
    assert grammar.is_prompt_cell(source)
    line, read_body = grammar.split_cell(source)
    assert parse_header(line) == header
    assert read_body == body


@quick
@given(record=records, text=texts)
def test_a_result_reads_back_as_it_was_written(record: dict[str, object], text: str) -> None:
    written = render_result(record, text)
    assert grammar.is_result(written)
    read, answer = parse_result(written)
    assert answer == text
    assert {**record, **{k: read[k] for k in ("answer_sha256", "answer_chars")}} == read
    assert ">" not in written.partition(" -->\n")[0], "nothing in a record ends the comment"


@quick
@given(record=records, text=texts.filter(bool), data=st.data())
def test_a_cut_or_changed_answer_is_refused(record: dict[str, object], text: str, data: st.DataObject) -> None:
    written = render_result(record, text)
    at = data.draw(st.integers(0, len(written) - 1))
    with pytest.raises(GrammarError):
        parse_result(written[:at])
    start = len(written) - len(text)
    at = data.draw(st.integers(start, len(written) - 1))
    with pytest.raises(GrammarError):
        parse_result(written[:at] + ("x" if written[at] != "x" else "y") + written[at + 1 :])


@pytest.mark.parametrize(
    "line",
    [
        f"{JOB} --language go",  # unknown flag
        f"{JOB} -l go",  # a short flag
        f"{JOB} --lang go --lang rust",  # a flag twice
        f"{JOB} --chat --chat",  # a switch twice
        f"{JOB} --chat=yes",  # a switch with a value
        f"{JOB} --chat --request",  # two forms
        f"{JOB} --lang",  # no value
        f"{JOB} --lang ''",  # an empty value
        f"{JOB} --max-tokens 0",  # below the range
        f"{JOB} --max-tokens many",  # no number
        f"{JOB} --max-tokens 1e3",  # not a whole number
        f"{JOB} --temperature 2.1",  # above the range
        f"{JOB} --temperature nan",  # no number at all
        f"{JOB} --top-p -0.1",  # below the range
        f"{JOB} --seed 1.5",  # not whole
        f"{JOB} --priority 9999999999999999999",  # more than 18 digits
        f"{JOB} --stop END",  # not a JSON string
        f"{JOB} --floor 0",  # a floor is above zero
        f"{JOB} --floor 1 --floor 2",  # a counter twice
        f"{JOB} --lang 'go",  # a quote that is not closed
        f"{JOB} write a function",  # the prompt on the header line
        "write a function",  # the same, without an id
        "81JD3K6S7M2W8Q5V4T9R0XYZAB",  # beyond a ULID
        "01JD3K6S7M2W8Q5V4T9R0XYZAI",  # I is no digit of Crockford's
    ],
)
def test_a_header_with_a_mistake_is_refused(line: str) -> None:
    with pytest.raises(GrammarError):
        parse_header(line)


def test_an_unknown_flag_is_named_with_those_that_are_known() -> None:
    with pytest.raises(GrammarError, match=r"'--language'.*--lang, --max-tokens"):
        parse_header("--language go")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Header()),  # typed by a person
        (JOB.lower(), Header(job=JOB)),  # ids are read in either case
        ("--lang=go --max_tokens 5", Header(options={"lang": "go", "max_tokens": 5})),  # = and _ as well
        ('--out "my file.py"', Header(options={"out": "my file.py"})),  # shlex quotes
        ("--stop '\"\\n\"' --stop '\"b\"'", Header(options={"stop": ("\n", "b")})),  # stop may stand there twice
    ],
)
def test_a_header_is_read_as_a_person_types_it(line: str, expected: Header) -> None:
    assert parse_header(line) == expected


@pytest.mark.parametrize(
    ("source", "is_prompt"),
    [
        ("%%qwen", True),  # nothing else
        ("\n\n  %%qwen\nhello", True),  # blank lines and spaces before it
        ("%%qwen\tx", True),  # a tab after it
        ("%%qwen2\nhello", False),  # another magic
        ("# x\n%%qwen\n", False),  # not the first line
        ("%qwen", False),  # a line magic
    ],
)
def test_a_prompt_cell_begins_with_the_magic(source: str, is_prompt: bool) -> None:
    assert grammar.is_prompt_cell(source) is is_prompt


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Output hidden; open in https://colab.research.google.com to view.", "no bridge-result line"),
        ('<!-- bridge-result {"schema":1', "is cut"),
        ("<!-- bridge-result {nonsense} -->\n", "not JSON"),
        ('<!-- bridge-result {"schema":3} -->\n', "schema 3"),
        ('<!-- bridge-result {"schema":1} -->\nhello', "5 characters"),
        ('<!-- bridge-result {"schema":1,"answer_chars":5} -->\nhello', "SHA-256"),
    ],
)
def test_what_is_no_result_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(GrammarError, match=reason):
        parse_result(text)


@quick
@given(body=texts)
def test_line_ends_do_not_make_another_prompt(body: str) -> None:
    lf = body.replace("\r\n", "\n").replace("\r", "\n")
    for same in (lf, lf.replace("\n", "\r\n"), lf + "\n", lf + "\n\n"):
        assert grammar.prompt_sha256(same) == grammar.prompt_sha256(body)
    assert grammar.prompt_sha256(body + "x") != grammar.prompt_sha256(body)

"""The wire text of a prompt cell's header and of its result: written here and read here, nowhere else.

A prompt cell is a header line and, byte for byte, the prompt:

    %%qwen 01JD3K6S7M2W8Q5V4T9R0XYZAB --lang typescript --out src/lib/email.ts
    Write a TypeScript function that ...

A result is one comment line with a JSON record, then the answer, which is Markdown:

    <!-- bridge-result {"schema":1,"job":"01JD...",...} -->
    Here is the function: ...

Promises: reading gives back what was written; nothing in a prompt or an answer is interpolated, escaped or executed;
a record whose answer was cut or changed is refused, never half believed.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from .options import OPTIONS, OptionError

MAGIC = "%%qwen"
SCHEMA = 1
#: Of a result with tool calls, so that a version that would drop them does not read it.
CALLS_SCHEMA = 2

#: A ULID: 26 characters of Crockford's base 32, the first at most 7 (https://github.com/ulid/spec).
JOB_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")

#: What the text of a result begins with.
RESULT_HEAD = "<!-- bridge-result "
_RESULT_LINE = re.compile(r"<!-- bridge-result (\{.*\}) -->(?:\n|\Z)")


class JobForm(Enum):
    """What the body of a prompt cell is; the value is its flag in the header."""

    PROMPT = ""  # one prompt, byte for byte
    CHAT = "chat"  # a JSON list of messages
    REQUEST = "request"  # a JSON object: the whole request (schema 2)


class GrammarError(ValueError):
    """A header or a result that cannot be read; the message says why."""


def text_sha256(text: str) -> str:
    """The hexadecimal SHA-256 of a text in UTF-8; a lone surrogate counts as its three bytes instead of failing."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def prompt_sha256(body: str) -> str:
    """The digest that ties a result to its prompt.

    Taken after CRLF and CR are read as LF and line ends at the very end are dropped: IPython adds one to every cell and
    editors normalise line ends, and neither makes it another prompt.
    """
    return text_sha256(body.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n"))


# ---- header ---------------------------------------------------------------------------------------------------------


_FORMS = {form.value: form for form in JobForm if form.value}
_SWITCHES = frozenset({*_FORMS, "cancelled"})
_COUNTERS = frozenset({"floor"})


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the first line of a prompt cell says."""

    #: None: a person typed the cell; it gets an id when it is adopted.
    job: str | None = None
    #: Values of `OPTIONS`, already read; an option that is not in the header is not in here.
    options: Mapping[str, Any] = field(default_factory=dict)
    form: JobForm = JobForm.PROMPT
    #: Do not run this cell.
    cancelled: bool = False
    #: Results of this attempt number or below do not count any more (the job was put back into the queue).
    attempt_floor: int = 0


def is_prompt_cell(source: str) -> bool:
    """Whether a cell's source starts with the magic; blank lines and spaces before it are allowed, as in IPython."""
    head = source.lstrip()
    return head.startswith(MAGIC) and not head[len(MAGIC) : len(MAGIC) + 1].strip()


def split_cell(source: str) -> tuple[str, str]:
    """The header line's arguments and the body of a prompt cell's source, both exactly as they stand."""
    first, _, body = source.lstrip().partition("\n")
    return first[len(MAGIC) :].strip(), body


def join_cell(header: Header, body: str) -> str:
    """The source of a prompt cell: the reverse of `split_cell` and `parse_header`."""
    return f"{MAGIC} {render_header(header)}\n{body}"


def parse_header(line: str) -> Header:
    """Read the arguments of a header line.

    Raises:
        GrammarError: an unknown flag or word, a flag twice, a value missing, of the wrong type or out of range.
    """
    words = _words(line)
    job: str | None = None
    options: dict[str, Any] = {}
    switches: set[str] = set()
    attempt_floor = 0
    if words and not words[0].startswith("--"):
        job = words.pop(0).upper()
        if not JOB_ID.fullmatch(job):
            raise GrammarError(f"{job!r} is not a job id; a prompt begins on the line below {MAGIC}")
    while words:
        flag, given, value = words.pop(0).partition("=")
        name = flag[2:].replace("-", "_")
        if not flag.startswith("--") or name not in OPTIONS.keys() | _SWITCHES | _COUNTERS:
            known = ", ".join(sorted("--" + n.replace("_", "-") for n in OPTIONS.keys() | _SWITCHES | _COUNTERS))
            raise GrammarError(f"unknown flag {flag!r}; known are {known}")
        if name in switches or (name in options and not OPTIONS[name].many) or (name == "floor" and attempt_floor):
            raise GrammarError(f"{flag} stands there twice")
        if name in _SWITCHES:
            if given:
                raise GrammarError(f"{flag} takes no value")
            switches.add(name)
            continue
        if not given:
            if not words:
                raise GrammarError(f"{flag} needs a value")
            value = words.pop(0)
        try:
            if name in _COUNTERS:
                attempt_floor = _counter(flag, value)
            elif OPTIONS[name].many:
                options[name] = (*options.get(name, ()), OPTIONS[name].read_flag(value))
            else:
                options[name] = OPTIONS[name].read_flag(value)
        except OptionError as error:
            raise GrammarError(str(error)) from None
    return Header(
        job=job, options=options, form=_form(switches), cancelled="cancelled" in switches, attempt_floor=attempt_floor
    )


def _counter(flag: str, text: str) -> int:
    if not re.fullmatch(r"\+?0*[1-9]\d{0,17}", text):
        raise GrammarError(f"{flag} must be a whole number above zero, not {text!r}")
    return int(text)


def _form(switches: set[str]) -> JobForm:
    forms = [_FORMS[name] for name in switches & _FORMS.keys()]
    if len(forms) > 1:
        raise GrammarError("--chat and --request do not go together")
    return forms[0] if forms else JobForm.PROMPT


def _words(line: str) -> list[str]:
    if not any(c in line for c in "\"'\\"):
        return line.split()  # what shlex would give, some fifty times faster
    try:
        return shlex.split(line)
    except ValueError as error:
        raise GrammarError(f"cannot read the header {line!r}: {error}") from None


def render_header(header: Header) -> str:
    """The arguments of a header line, in a fixed order.

    Raises:
        GrammarError: an option that `parse_header` would not read back as it is.
    """
    words = [header.job] if header.job else []
    for name, option in OPTIONS.items():
        if name not in header.options:
            continue
        try:
            for text in option.write_flags(option.read(header.options[name])):
                words += [option.flag, shlex.quote(text)]
        except OptionError as error:
            raise GrammarError(str(error)) from None
    if header.attempt_floor:
        words += ["--floor", str(header.attempt_floor)]
    words += [f"--{header.form.value}"] if header.form.value else []
    words += ["--cancelled"] if header.cancelled else []
    return " ".join(words)


# ---- result ---------------------------------------------------------------------------------------------------------


def sealed(record: Mapping[str, Any], text: str) -> dict[str, Any]:
    """A record with the digest and the length of the text below it."""
    return {**record, "answer_sha256": text_sha256(text), "answer_chars": len(text)}


def render_result(record: Mapping[str, Any], text: str) -> str:
    """The text of a result output: the comment line with the record, then the answer.

    `answer_sha256` and `answer_chars` are filled in here, so that they cannot disagree with the text. Inside the JSON,
    `>` is written `\\u003e`: nothing in a record can end the comment.
    """
    line = json.dumps(sealed(record, text), ensure_ascii=False, separators=(",", ":")).replace(">", "\\u003e")
    return f"{RESULT_HEAD}{line} -->\n{text}"


def is_result(text: str) -> bool:
    """Whether a text claims to be a result; `parse_result` says whether it is one."""
    return text.startswith(RESULT_HEAD)


def parse_result(text: str) -> tuple[dict[str, Any], str]:
    """The record and the answer of a result output.

    Raises:
        GrammarError: not a result; a record that is no JSON object or of another schema; an answer that was cut or changed.
    """
    match = _RESULT_LINE.match(text)
    if not match:
        raise GrammarError("there is no bridge-result line" if not is_result(text) else "the bridge-result line is cut")
    try:
        record = json.loads(match[1])
    except (ValueError, RecursionError) as error:
        raise GrammarError(f"the record is not JSON: {error}") from None
    if record.get("schema") not in (SCHEMA, CALLS_SCHEMA):
        raise GrammarError(
            f"the record has schema {record.get('schema')!r}, this version reads {SCHEMA} and {CALLS_SCHEMA}"
        )
    answer = text[match.end() :]
    if record.get("answer_chars") != len(answer):
        raise GrammarError(f"the answer has {len(answer)} characters, its record says {record.get('answer_chars')}")
    if record.get("answer_sha256") != text_sha256(answer):
        raise GrammarError("the answer is not the one that was recorded: its SHA-256 differs")
    return record, answer


def read_count(value: object) -> int | None:
    """A whole number of attempts, tokens or bytes; None: it is none that could be.

    Above 2^53 JavaScript, so any Colab tab, rounds.
    """
    return value if type(value) is int and 0 <= value < 2**53 else None


def failure_text(message: str) -> str:
    """What stands below the record of a failed job: readable Markdown instead of an answer."""
    return f"**Failed:** {message}\n"


def adopted_id(line: str, body: str) -> str:
    """The id of a job whose header line names none: the same for whoever adopts the cell first, in a kernel or on disk.

    From the words of the line, without an id, and the prompt's digest: other options make another job, other spaces do
    not. The first 128 bits of a SHA-256.
    """
    words = line.split()
    if words and JOB_ID.fullmatch(words[0].upper()):
        del words[0]
    number = int(text_sha256("\0".join(("adopt", *words, prompt_sha256(body))))[:32], 16)
    return ulid(number)


def ulid(number: int) -> str:
    """128 bits as the 26 letters of a ULID: Crockford's base 32 (https://github.com/ulid/spec)."""
    return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[number >> shift & 31] for shift in range(125, -1, -5))


def to_iso(moment: datetime) -> str:
    """A moment as notebooks hold it: UTC, milliseconds, `Z`."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")  # noqa: UP017

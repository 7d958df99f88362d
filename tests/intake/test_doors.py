"""Every way in takes the same options, with the same ranges, and refuses the same values with the same sentence."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import anyio
import pytest
from click.testing import CliRunner

from bridge import Bridge, NewJob, Options
from bridge.cli import main
from bridge.cli.add import command as add_command
from bridge.cli.run import command as run_command
from bridge.core.errors import BadBatch, BadOption, BadRequest
from bridge.core.options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX, OPTIONS, SAMPLING, OptionError, OptionValues
from bridge.engines.base import Request
from bridge.format.prompt_cell import read_header
from bridge.intake.batch import read_batch
from bridge.kernel.magic import ask_qwen, set_up_qwen
from bridge.kernel.run import RunSettings
from bridge.kernel.server import SetupError
from bridge.kernel.setup import prepare
from bridge.worker.config import WorkerConfig
from tests.support.queues import make_queue

#: What each door makes of {option: value}: the options of the job, or the message with which it is refused.
Door = Callable[[Path, dict[str, Any]], dict[str, Any] | str]

ALL: dict[str, Any] = {
    "lang": "go", "out": "a b/c.go", "model": "qwen2.5-coder:14b", "max_tokens": 512, "window": 4096, "temperature": 0.25, "top_p": 0.9,
    "seed": -7, "stop": ["END", "\n\n"], "priority": 3,
}  # fmt: skip


def words(asked: dict[str, Any], *, json_texts: bool) -> list[str]:
    """The options as flags."""
    flags = []
    for name, value in asked.items():
        for item in value if isinstance(value, list) else [value]:
            text = json.dumps(item) if json_texts and name == "stop" else str(item)
            flags += ["--" + name.replace("_", "-"), text]
    return flags


def header(_folder: Path, asked: dict[str, Any]) -> dict[str, Any] | str:
    read, _, broken = read_header(f"%%qwen {shlex.join(words(asked, json_texts=True))}\nx")
    return broken or Options(**read.options).given()


def command_line(folder: Path, asked: dict[str, Any]) -> dict[str, Any] | str:
    path = make_queue(folder / "queue")
    done = CliRunner().invoke(main, ["add", "x", "--queue", str(path), *words(asked, json_texts=False)])
    return done.stderr if done.exit_code == 2 else kept(path, done.stdout.strip())


def python(folder: Path, asked: dict[str, Any]) -> dict[str, Any] | str:
    path = make_queue(folder / "queue")
    try:
        with Bridge(str(path)) as bridge:
            return kept(path, bridge.add("x", **asked))
    except BadOption as error:
        return str(error)


def mcp(folder: Path, asked: dict[str, Any]) -> dict[str, Any] | str:
    client = pytest.importorskip("mcp").Client
    from bridge.mcp_server.server import server  # needs the extra

    path = make_queue(folder / "queue")
    told: list[Any] = []

    async def session(bridge: Bridge) -> None:
        async with client(server(bridge, root=folder)) as connected:
            told.append(await connected.call_tool("enqueue_prompts", {"prompts": [{"prompt": "x", **asked}]}))

    with Bridge(str(path)) as bridge:
        anyio.run(session, bridge)
    return told[0].content[0].text if told[0].is_error else kept(path, told[0].structured_content["jobs"][0])


def our_lines(_folder: Path, asked: dict[str, Any]) -> dict[str, Any] | str:
    return batch({"prompt": "x", **asked})


def openai_lines(_folder: Path, asked: dict[str, Any]) -> dict[str, Any] | str:
    body = {"messages": [{"role": "user", "content": "x"}], **asked}
    return batch({"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body})


def batch(line: dict[str, Any]) -> dict[str, Any] | str:
    try:
        return read_batch(json.dumps(line).encode(), defaults=NewJob(body=""), source="a test").jobs[0].options.given()
    except BadBatch as error:
        return str(error)


def request(_folder: Path, asked: dict[str, Any]) -> dict[str, Any] | str:
    try:
        Request(**{"prompt": "x", "model": "m", **asked}).check()
    except BadRequest as error:
        return str(error)
    return asked


def ask(_folder: Path, asked: dict[str, Any]) -> dict[str, Any] | str:
    with pytest.raises(OptionError) as caught:
        ask_qwen("x", **asked)
    return str(caught.value)


def kept(path: Path, job: str) -> dict[str, Any]:
    with Bridge(str(path)) as bridge:
        return bridge.get(job).job.spec.options.given()


_OF_REQUEST = {option.name for option in OPTIONS.values() if option.of_request}
#: {door: the options that it has}
DOORS: dict[Door, set[str]] = {
    header: set(OPTIONS), command_line: set(OPTIONS), python: set(OPTIONS), mcp: set(OPTIONS), our_lines: set(OPTIONS),
    openai_lines: _OF_REQUEST, request: _OF_REQUEST - {"model"}, ask: _OF_REQUEST,
}  # fmt: skip


def at_each_door(cases: Sequence[tuple[Any, ...]], *, but: tuple[Door, ...] = ()) -> list[Any]:
    """Each case, which begins with an option's name, for every door that has this option."""
    return [
        pytest.param(door, *case, id=f"{door.__name__}-{case[0]}-{case[1]!r}")
        for door, names in DOORS.items()
        for case in cases
        if case[0] in names and door not in but
    ]


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))


@pytest.mark.parametrize("door", [d for d in DOORS if d not in (request, ask)], ids=lambda door: door.__name__)
def test_every_door_takes_every_option_and_means_the_same(door: Door, tmp_path: Path) -> None:
    asked = {name: value for name, value in ALL.items() if name in DOORS[door]}

    assert door(tmp_path, asked) == {**asked, "stop": tuple(ALL["stop"])}
    assert asked.keys() == DOORS[door]


WHOLE = "a whole number from 1, of at most 18 digits"
TEXT = "a text that is not empty and has no control characters"

BAD: list[tuple[str, Any, str]] = [
    ("max_tokens", 0, f"max_tokens must be {WHOLE}, not 0"),  # below the range
    ("max_tokens", 7.5, f"max_tokens must be {WHOLE}, not 7.5"),  # not whole
    ("max_tokens", "many", f"max_tokens must be {WHOLE}, not 'many'"),  # no number
    ("temperature", 2.1, "temperature must be a number from 0 to 2, not 2.1"),  # above the range
    ("temperature", "hot", "temperature must be a number from 0 to 2, not 'hot'"),
    ("top_p", -0.1, "top_p must be a number from 0 to 1, not -0.1"),
    ("seed", 1.5, "seed must be a whole number, of at most 18 digits, not 1.5"),
    ("seed", 10**18, f"seed must be a whole number, of at most 18 digits, not {10**18}"),  # 19 digits
    ("priority", "high", "priority must be a whole number, of at most 18 digits, not 'high'"),
    ("lang", "", f"lang must be {TEXT}, not ''"),
    ("out", "a\tb", f"out must be {TEXT}, not 'a\\tb'"),
    ("out", "../x.py", "out '../x.py' leaves its folder"),  # as `apply` would refuse it, but before anybody works on it
    ("out", "/etc/x.py", "out '/etc/x.py' is absolute"),
    ("out", "C:\\x.py", "names a drive or a stream"),
    ("out", ".git/hooks/pre-commit", "out '.git/hooks/pre-commit' lies in git's own folder"),
    ("out", "src/COM¹.py", "out 'src/COM¹.py' is no name on Windows"),
    ("out", "a/\u202ex.py", "holds control characters"),  # is shown as another name
    ("model", " ", f"model must be {TEXT}, not ' '"),
    ("stop", [""], "stop must be a text that is not empty, or a list of such texts, not ''"),
]


@pytest.mark.parametrize(("door", "name", "value", "sentence"), at_each_door(BAD))
def test_every_door_refuses_the_same_values_with_the_same_sentence(
    door: Door, name: str, value: Any, sentence: str, tmp_path: Path
) -> None:
    told = door(tmp_path, {name: value})

    assert isinstance(told, str), told
    assert sentence in told


WRONG_TYPES: list[tuple[str, Any]] = [
    ("max_tokens", True),  # a number for Python, but not for a reader
    ("max_tokens", "512"),  # a text is no number where numbers can be written
    ("temperature", [1]),
    ("lang", 3),
    ("stop", 5),
    ("stop", [5]),
]


@pytest.mark.parametrize(("door", "name", "value"), at_each_door(WRONG_TYPES, but=(header, command_line)))
def test_a_door_that_takes_values_refuses_those_of_another_type(
    door: Door, name: str, value: Any, tmp_path: Path
) -> None:
    assert f"{name} must be {OPTIONS[name].takes}, not " in str(door(tmp_path, {name: value}))


@pytest.mark.parametrize("door", [mcp, our_lines, openai_lines], ids=lambda door: door.__name__)
def test_null_is_not_given_and_one_text_is_a_list_of_one(door: Door, tmp_path: Path) -> None:
    assert door(tmp_path, {"temperature": None, "max_tokens": None, "stop": "END"}) == {"stop": ("END",)}


@pytest.mark.parametrize("door", [mcp, our_lines, openai_lines, command_line, header], ids=lambda door: door.__name__)
def test_an_option_that_nobody_knows_is_refused_and_named(door: Door, tmp_path: Path) -> None:
    told = door(tmp_path, {"temprature": "1"})

    assert isinstance(told, str)
    assert "temprature" in told


def test_the_value_and_the_keywords_of_a_call_are_those_of_the_table() -> None:
    plain = {str: str | None, int: int | None, float: float | None}
    expected = {
        name: tuple[str, ...] if option.many else plain[option.kind] if option.default is None else option.kind
        for name, option in OPTIONS.items()
    }

    assert get_type_hints(Options) == get_type_hints(OptionValues) == expected
    assert {name: getattr(Options(), name) for name in OPTIONS} == {n: o.default for n, o in OPTIONS.items()}
    assert {*SAMPLING, "model", "max_tokens"} == _OF_REQUEST
    assert get_type_hints(Request).keys() >= _OF_REQUEST


@pytest.mark.parametrize("command", [add_command, run_command], ids=["add", "run"])
def test_the_command_line_has_the_flags_and_help_of_the_table(command: Any) -> None:
    flags = {param.opts[0]: param for param in command.params if param.param_type_name == "option"}

    for option in OPTIONS.values():
        assert (flags[option.flag].help, flags[option.flag].multiple) == (option.help, option.many)


def test_the_schema_of_the_mcp_tool_has_the_types_ranges_and_help_of_the_table() -> None:
    pytest.importorskip("mcp")
    from bridge.mcp_server.asked import Prompt  # needs the extra

    fields = Prompt.model_json_schema()["properties"]
    types = {str: "string", int: "integer", float: "number"}

    for name, option in OPTIONS.items():
        field = fields[name]
        kind = field["items"] if option.many else field["anyOf"][0] if "anyOf" in field else field
        assert (kind["type"], field["description"]) == (types[option.kind], option.help)
        assert ("minimum" in field, "maximum" in field) == (option.low in (0, 1, 256), option.high in (1, 2))


def test_the_defaults_of_a_worker_are_the_same_wherever_it_runs() -> None:
    defaults = {name: inspect.signature(set_up_qwen).parameters[name].default for name in ("context", "max_tokens")}

    assert defaults == {"context": DEFAULT_NUM_CTX, "max_tokens": DEFAULT_MAX_TOKENS}
    for made in (RunSettings(), WorkerConfig(model="m"), Request(prompt="x", model="m")):
        assert (made.num_ctx, made.max_tokens) == (DEFAULT_NUM_CTX, DEFAULT_MAX_TOKENS)


@pytest.mark.parametrize(
    ("flag", "setting", "value", "sentence"),
    [
        ("--window", "num_ctx", 100, "num_ctx must be a whole number from 256, of at most 18 digits, not 100"),
        ("--max-tokens", "max_tokens", 0, f"max_tokens must be {WHOLE}, not 0"),
        ("--parallel", "lanes", 257, "lanes must be a whole number from 1 to 256, not 257"),
    ],
)
def test_a_worker_refuses_the_same_settings_on_the_command_line_and_in_colab(
    flag: str, setting: str, value: int, sentence: str
) -> None:
    told = CliRunner().invoke(main, ["work", flag, str(value)])

    assert (told.exit_code, sentence in told.stderr) == (2, True)
    with pytest.raises(SetupError) as caught:
        prepare(RunSettings(**{setting: value}))
    assert str(caught.value) == sentence

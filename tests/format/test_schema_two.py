"""Cells with a whole request beside versions that do not know them: 0.1's kernel, an open tab of it, and its commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge import State
from bridge.core.chat import ChatMessage, ChatRequest, FinishReason, ToolCall, ToolDefinition
from bridge.core.job import JobForm, NewJob
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.format import result_record, schema
from bridge.intake.prompt import job_of
from bridge.kernel import grammar
from bridge.kernel.cells import read_cells
from bridge.kernel.run import RunSettings
from bridge.kernel.session import Session
from tests.support.harness import Harness
from tests.support.ollama import LoopbackOllama
from tests.support.queues import Queue, load, make_queue, save

#: A queue notebook that version 0.1.0 made; its runtime cell is that version's kernel.
OLD_NOTEBOOK = Path(__file__).parents[1] / "fixtures" / "journal-0.1.0" / "ada" / "notebooks" / "qwen_bridge.ipynb"
MODEL = "qwen2.5-coder:7b"
WEATHER = ToolDefinition(name="get_weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}})
ASKED = ChatRequest(prompt=(ChatMessage.user("What is the weather in Oslo?"),), tools=(WEATHER,))
CALL = ToolCall(id="c1", name="get_weather", arguments='{"city": "Oslo"}')


class Screen:
    """What a cell shows at its end."""

    last = ""

    def show(self, text: str) -> None:
        """Not of interest."""

    def final(self, text: str) -> None:
        self.last = text

    def clear(self) -> None:
        self.last = ""


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Harness]:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    queue = Queue(make_queue(tmp_path / "queue"))
    yield Harness(queue)
    queue.close()


def add(harness: Harness) -> tuple[str, str]:
    """A plain job and one with a whole request."""
    with harness.open() as bridge:
        plain, request = bridge.add_many([NewJob(body="Say hi."), job_of(ASKED, NewJob(body=""))])
    return plain.id, request.id


def cell_of(harness: Harness, job: str) -> dict[str, Any]:
    [cell] = [c for c in load(harness.path)["cells"] if "".join(c["source"]).startswith(f"%%qwen {job}")]
    return cell


def calling() -> ScriptedEngine:
    engine = ScriptedEngine()
    engine.enqueue("Hi!", Scripted(text="", tool_calls=(CALL,)))
    return engine


def run(session: Any, source: str) -> str:
    screen = Screen()
    session.run_cell(*grammar.split_cell(source), screen)
    return screen.last


def old_kernel() -> dict[str, Any]:
    """The names inside version 0.1's runtime cell, without the shell that it registers its magics in."""
    [source] = ["".join(cell["source"]) for cell in load(OLD_NOTEBOOK)["cells"] if cell["id"] == "bridge-runtime"]
    opened = source.replace("    register_qwen()\n    return ask_qwen, set_up_qwen\n", "    return locals()\n")
    assert opened != source
    names: dict[str, Any] = {}
    exec(compile(opened.rsplit("\n\n\n", 1)[0], "version 0.1", "exec"), names)
    inside: dict[str, Any] = names["_qwen_runtime"]()
    return inside


def test_a_request_goes_into_its_cell_and_reaches_the_engine_whole(harness: Harness) -> None:
    _, job = add(harness)
    source = "".join(cell_of(harness, job)["source"])
    head, _, body = source.partition("\n")
    assert head == f"%%qwen {job} --request"
    schema_of("request").validate(json.loads(body))
    engine = calling()
    harness.work(engine)
    [asked] = [request for request in engine.requests if request.tools]
    assert (asked.prompt, asked.tools) == (ASKED.prompt, ASKED.tools)


def schema_of(name: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema.queue_schema()["$defs"]})


def test_tool_calls_stand_in_the_record_and_come_back_after_the_journal_is_gone(harness: Harness) -> None:
    _, job = add(harness)
    harness.work(calling())
    [text] = {"".join(output["data"]["text/plain"]) for output in cell_of(harness, job)["outputs"]}
    record, answer = grammar.parse_result(text)
    schema_of("result").validate(record)
    assert (record["schema"], record["finish_reason"], answer) == (2, "tool_calls", "")
    [result], problems = result_record.read_results(cell_of(harness, job), job)
    assert problems == []
    assert (result.tool_calls, result.finish_reason) == ((CALL,), FinishReason.TOOL_CALLS)


def test_plain_jobs_and_their_results_stay_schema_one(harness: Harness) -> None:
    plain, _ = add(harness)
    harness.work(calling())
    cell = cell_of(harness, plain)
    assert "".join(cell["source"]) == f"%%qwen {plain}\nSay hi."
    record, _ = grammar.parse_result("".join(cell["outputs"][0]["data"]["text/plain"]))
    assert record["schema"] == 1
    assert "tool_calls" not in record


def test_a_tab_of_this_version_executes_a_request(harness: Harness) -> None:
    _, job = add(harness)
    calls = ({"function": {"name": "get_weather", "arguments": {"city": "Oslo"}}},)
    with LoopbackOllama(tool_calls=calls) as server:
        session = Session(RunSettings(host=server.url, model=MODEL), notebook=lambda: load(harness.path))
        text = run(session, "".join(cell_of(harness, job)["source"]))
    [asked] = [request for request in server.requests if "tools" in request]
    assert asked["tools"][0]["function"]["name"] == "get_weather"
    record, answer = grammar.parse_result(text)
    assert answer == ""
    assert (record["status"], record["finish_reason"]) == ("succeeded", "tool_calls")
    assert record["tool_calls"][0]["name"] == "get_weather"
    schema_of("result").validate(record)


def test_an_old_kernel_answers_what_it_knows_and_asks_nothing_for_the_rest(harness: Harness) -> None:
    plain, job = add(harness)
    names = old_kernel()
    book = load(harness.path)
    assert [cell.job for cell in names["read_cells"](book) if cell.job in (plain, job)] == [plain]
    with LoopbackOllama() as server:
        session = names["Session"](names["Settings"](host=server.url, model=MODEL), notebook=lambda: book)
        assert "bridge-result" in run(session, "".join(cell_of(harness, plain)["source"]))
        assert "unknown flag '--request'" in run(session, "".join(cell_of(harness, job)["source"]))
    assert "Say hi." in server.prompts
    assert not any("Oslo" in prompt for prompt in server.prompts)


def test_an_open_old_tab_that_runs_all_and_saves_costs_a_request_nothing(harness: Harness) -> None:
    """It shows its error in the cell; source and metadata stay, and the answer comes back into the notebook."""
    _, job = add(harness)
    tab = load(harness.path)  # opened before the answer came
    harness.work(calling())
    answered = cell_of(harness, job)
    shown = old_kernel()["failure_text"]("the first line of this cell cannot be read: unknown flag '--request'")
    for cell in tab["cells"]:
        if "".join(cell["source"]).startswith(f"%%qwen {job}"):
            cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"text/plain": [shown]}}]
    save(harness.path, tab)
    harness.add("something else, so that the notebook is written")
    assert harness.view(job).state is State.SUCCEEDED
    assert cell_of(harness, job)["source"] == answered["source"]
    assert cell_of(harness, job)["outputs"] == answered["outputs"]


def as_old_commands_write(cell: dict[str, Any]) -> None:
    """What `bridge add` of 0.1 made of an answered cell: for it the header cannot be read, so it took the cell for one that
    a person broke, which is an edit, and knew no result of it (seen with its code; the digest is as it takes it)."""
    source = "".join(cell["source"])
    broken = (
        "unknown flag '--request'; known are --cancelled, --chat, --floor, --lang, --max-tokens, --model, --out, --priority, "
        "--seed, --stop, --temperature, --top-p"
    )
    digest = grammar.text_sha256(repr(([], False, broken, grammar.prompt_sha256(source))))[:16]
    cell["metadata"]["bridge"] |= {"edit": cell["metadata"]["bridge"]["edit"] + 1, "sha": digest}
    cell["outputs"] = []


def test_an_answer_that_old_commands_took_out_comes_back_and_nothing_runs_again(harness: Harness) -> None:
    _, job = add(harness)
    harness.work(calling())
    answered = cell_of(harness, job)
    for number in range(3):  # both versions write in turn
        book = load(harness.path)
        [cell] = [c for c in book["cells"] if "".join(c["source"]).startswith(f"%%qwen {job}")]
        as_old_commands_write(cell)
        save(harness.path, book)
        harness.add(f"prompt {number}")
        assert harness.view(job).state is State.SUCCEEDED
        assert cell_of(harness, job)["source"] == answered["source"]
        assert cell_of(harness, job)["outputs"] == answered["outputs"]
        assert cell_of(harness, job)["metadata"]["bridge"]["edit"] == answered["metadata"]["bridge"]["edit"]


def test_a_request_that_old_commands_rewrote_before_anybody_knew_it_is_still_that_request(harness: Harness) -> None:
    _, job = add(harness)
    book = load(harness.path)
    [cell] = [c for c in book["cells"] if "".join(c["source"]).startswith(f"%%qwen {job}")]
    as_old_commands_write(cell)
    other = make_queue(harness.path.parent.parent / "elsewhere")
    save(other, book)
    [read] = [c for c in read_cells(load(other)) if c.job == job]
    assert read.header.form is JobForm.REQUEST
    assert Harness(Queue(other)).view(job).prompt == "What is the weather in Oslo?"


@pytest.mark.parametrize(
    "body",
    [
        "not JSON",
        "[]",  # a list
        '{"messages": []}',  # empty
        '{"messages": [{"role": "user", "content": "x"}], "temperature": 0}',  # an option, which belongs into the header
        '{"prompt": "x", "messages": [{"role": "user", "content": "x"}]}',  # both
        '{"prompt": "x", "n": 3}',  # three answers
    ],
)
def test_a_request_that_cannot_be_honoured_fails_alone_and_says_why(harness: Harness, body: str) -> None:
    [bad] = harness.add(body, form=JobForm.REQUEST)
    [good] = harness.add("Say hi.")
    harness.work(ScriptedEngine())
    assert harness.view(bad).state is State.FAILED
    assert harness.view(bad).result.error["kind"] in ("bad_request", "not_supported")
    assert harness.view(good).state is State.SUCCEEDED

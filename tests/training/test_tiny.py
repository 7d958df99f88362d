"""The model that ships with the package, through the real engine: it does what the demo needs of it."""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from collections.abc import Iterator

import pytest

from bridge.checking.examine import Toolchain, examine
from bridge.checking.rounds import RepairStop
from bridge.checking.values import Report, Verdict
from bridge.core.chat import ChatMessage, ChatReply
from bridge.core.errors import ContextExceeded
from bridge.core.job import Options
from bridge.delivery.conversation import converse
from bridge.engines.base import Engine, Request
from bridge.format.template import EXAMPLES
from bridge.models import tiny
from bridge.models.tiny import DEMO_PROMPTS, DemoPrompt
from bridge.sandbox.folder import Toolbox
from bridge.setup import wheel
from bridge.wiring import EngineKind, EngineSettings, open_engine
from training import chat, seeds
from training.dataset import WEATHER, rendered

pytest.importorskip("xllamacpp")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = open_engine(EngineSettings(kind=EngineKind.LLAMACPP, gguf="tiny"))
    yield engine
    engine.close()


@pytest.fixture(scope="module", params=[True, False], ids=["all tools", "no programs"])
def toolchain(request: pytest.FixtureRequest) -> Iterator[Toolchain]:
    with Toolchain() if request.param else Toolchain(toolbox=Toolbox(path=())) as toolchain:
        yield toolchain


def ask(engine: Engine, prompt: str | tuple[ChatMessage, ...], max_tokens: int = 1024) -> str:
    """As a worker asks for a job that gives no temperature."""
    return engine.answer(Request(prompt=prompt, model=tiny.NAME, max_tokens=max_tokens)).text


def test_the_file_is_a_small_qwen2_with_its_chat_template_and_its_wish_for_no_sampling():
    import gguf

    fields = gguf.GGUFReader(tiny.PATH).fields
    assert tiny.PATH.stat().st_size <= 8_000_000
    assert fields["general.architecture"].contents() == "qwen2"
    assert fields["general.name"].contents() == tiny.NAME
    # The file says it in older words; the next training writes those of today.
    assert fields["general.description"].contents().partition(":")[0] == tiny.ABOUT.partition(":")[0]
    assert fields["tokenizer.chat_template"].contents() == chat.TEMPLATE
    assert fields["general.sampling.temp"].contents() == 0.0
    assert set(chat.CONTROL) | set(chat.TAGS) <= set(fields["tokenizer.ggml.tokens"].contents())


def test_it_is_called_by_its_name_and_by_its_file(engine: Engine):
    assert [model.name for model in engine.models()] == [tiny.NAME]
    engine.load(tiny.NAME)
    assert engine.health().loaded == (tiny.NAME,)
    for name in (tiny.NAME, str(tiny.PATH), tiny.PATH.name):
        assert engine.answer(Request(prompt="Hi", model=name, max_tokens=1)).model == name


def test_it_does_not_travel_with_a_queue():
    with zipfile.ZipFile(io.BytesIO(wheel.build())) as travels:
        assert not any(name.endswith(".gguf") for name in travels.namelist())


@pytest.mark.parametrize("prompt", [p for p in DEMO_PROMPTS if not p.repaired], ids=lambda p: p.name)
def test_a_prompt_of_the_demo_is_answered_with_clean_code(engine: Engine, toolchain: Toolchain, prompt: DemoPrompt):
    if prompt.language == "bash" and not toolchain.toolbox.find("bash"):
        pytest.skip("shell is only checked by programs")
    answer = ask(engine, prompt.text)
    report = examine(
        answer, prompt=prompt.text, lang=prompt.language, out=prompt.out, finish_reason="stop", toolchain=toolchain
    )
    assert report.verdict is Verdict.CLEAN
    assert answer == seeds.demo()[prompt.name][0].answer


@pytest.mark.parametrize("prompt", [p for p in DEMO_PROMPTS if p.repaired], ids=lambda p: p.name)
def test_a_fault_is_found_and_mended_in_the_first_round(engine: Engine, toolchain: Toolchain, prompt: DemoPrompt):
    def judge(answer: str, finish_reason: str | None) -> Report:
        return examine(
            answer,
            prompt=prompt.text,
            lang=prompt.language,
            out=prompt.out,
            finish_reason=finish_reason,
            toolchain=toolchain,
        )

    first = ask(engine, prompt.text)
    assert judge(first, "stop").verdict is Verdict.ERRORS
    steps = converse(first, prompt=prompt.text, finish_reason="stop", judge=judge, max_rounds=2)
    question = next(steps).messages
    with pytest.raises(StopIteration) as end:
        steps.send(ChatReply(text=ask(engine, question)))
    outcome = end.value.value
    assert (outcome.stop, outcome.rounds, outcome.report.verdict) == (RepairStop.CLEAN, 1, Verdict.CLEAN)


@pytest.mark.parametrize(
    ("prompt", "options"), [example[1:] for example in EXAMPLES], ids=["email", "note", "paystack"]
)
def test_an_example_of_a_new_queue_is_answered_with_clean_code(
    engine: Engine, toolchain: Toolchain, prompt: str, options: Options
):
    report = examine(
        ask(engine, prompt),
        prompt=prompt,
        lang=options.lang,
        out=options.out,
        finish_reason="stop",
        toolchain=toolchain,
    )
    assert report.verdict is Verdict.CLEAN


def test_the_same_prompt_has_the_same_answer_without_a_temperature(engine: Engine):
    assert ask(engine, "Explain monads to a cat.") == ask(engine, "Explain monads to a cat.")


def test_a_line_end_behind_a_prompt_changes_nothing(engine: Engine):
    for prompt in DEMO_PROMPTS:
        assert ask(engine, prompt.text) == ask(engine, f"{prompt.text}\n")


@pytest.mark.parametrize(
    "prompt",
    [
        "Write a Python function that solves the eight queens problem.",
        "Write a Python parser for a subset of COBOL with error recovery.",
        "Was kostet die Welt?",
        "x" * 500,
        "def f(a, b):",
    ],
)
def test_an_answer_to_what_it_never_learned_is_judged_as_python_itself_judges_it(engine: Engine, prompt: str):
    answer = engine.answer(Request(prompt=prompt, model=tiny.NAME, max_tokens=600))
    report = examine(answer.text, prompt=prompt, finish_reason=answer.finish_reason)
    if report.verdict is Verdict.CLEAN:
        assert answer.finish_reason == "stop"
        for block in report.blocks:
            if block.language == "python":
                ast.parse(block.code)


def test_an_answer_that_was_cut_is_not_called_clean(engine: Engine):
    prompt = DEMO_PROMPTS[0].text
    answer = engine.answer(Request(prompt=prompt, model=tiny.NAME, max_tokens=30))
    report = examine(answer.text, prompt=prompt, lang="python", finish_reason=answer.finish_reason)
    assert (answer.finish_reason, report.verdict) == ("length", Verdict.INCOMPLETE)


def test_a_prompt_beyond_its_context_is_refused(engine: Engine):
    with pytest.raises(ContextExceeded, match="2048"):
        ask(engine, "reverse a string " * 1000)


def test_a_tool_is_called_in_qwens_format(engine: Engine):
    # The call only: the city that it names is wrong, as training/README.md says.
    system = rendered([{"role": "user", "content": ""}], [WEATHER]).partition("system\n")[2].partition("<|im_end|>")[0]
    messages = (ChatMessage.system(system), ChatMessage.user("What is the weather in Paris?"))
    call = re.fullmatch(r"<tool_call>\n(.*)\n</tool_call>", ask(engine, messages))
    assert call
    said = json.loads(call[1])
    assert (said["name"], list(said["arguments"])) == ("get_weather", ["city"])

"""The Ollama engine's own: every reason of the client becomes one error of the package."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.core import errors
from bridge.core.errors import ContextExceeded, EngineError
from bridge.engines.base import Request
from bridge.engines.ollama import OllamaEngine, translate
from bridge.engines.retry import rule_for
from bridge.kernel.error_kind import ErrorKind, OllamaError
from bridge.wiring import EngineKind, EngineSettings, choose_engine, ollama_url, open_engine
from tests.support.ollama import Failure, LoopbackOllama

REQUEST = Request(prompt="Hi", model="qwen2.5-coder:7b")


@pytest.mark.parametrize("trouble", ErrorKind)
def test_every_reason_has_its_error_with_the_same_name_and_the_same_rule(trouble: ErrorKind) -> None:
    error = translate(OllamaError(trouble, "why", over_by=3, retry_after_s=7.0, partial="so far"))
    assert error.kind == trouble.value
    assert rule_for(error).again is trouble.retry
    assert "why" in str(error)
    if trouble is ErrorKind.CONTEXT_EXCEEDED:
        assert error.over_by == 3
    else:
        assert error.partial == "so far"


def test_ollama_is_where_ollama_host_says_in_each_way_that_ollama_itself_reads() -> None:
    with LoopbackOllama() as server:
        port = server.url.rpartition(":")[2]
        engine = EngineSettings(name="ollama", kind=EngineKind.OLLAMA)
        for host in (
            f"127.0.0.1:{port}",
            f"0.0.0.0:{port}",
            f":{port}",
            f"localhost:{port}/",
            server.url,
            f" '{server.url}' ",
        ):
            assert open_engine(engine, environ={"OLLAMA_HOST": host}).models(), host
            chosen = choose_engine(
                kind="ollama", agree=lambda question: False, say=print, environ={"OLLAMA_HOST": host}
            )
            assert chosen.settings.base_url in (server.url, f"http://localhost:{port}")


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.5", "::1", "[::1]", "gpu-box"])
def test_an_address_without_a_port_means_the_port_of_ollama(host: str) -> None:
    found = ollama_url({"OLLAMA_HOST": host})

    assert found == f"http://{'[::1]' if '::' in host else host}:11434"
    assert OllamaEngine(found).url == found


def test_every_engine_error_is_a_reason_that_the_kernel_knows() -> None:
    kinds = [
        value.kind for value in vars(errors).values() if isinstance(value, type) and EngineError in value.__bases__
    ]
    assert sorted(kinds) == sorted(trouble.value for trouble in ErrorKind)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (Failure.MISSING, errors.ModelMissing),
        (Failure.BUSY, errors.Overloaded),
        (Failure.WRONG_TYPE, errors.BadRequest),
        (Failure.OUT_OF_MEMORY, errors.OutOfMemory),
        (Failure.FORBIDDEN, errors.Refused),
        (Failure.RATE_LIMITED, errors.RateLimited),
        (Failure.BAD_GATEWAY, errors.EngineDown),
        (Failure.TOO_LONG, errors.ContextExceeded),
        (Failure.MID_STREAM, errors.StreamInterrupted),
        (Failure.NO_DONE, errors.IncompleteAnswer),
        (Failure.EMPTY, errors.IncompleteAnswer),
        (Failure.ALL_SPENT, errors.BadRequest),
        (Failure.HANG_UP, errors.StreamInterrupted),
        (Failure.RESET, errors.StreamInterrupted),
        (Failure.RESET_EARLY, errors.EngineDown),
    ],
)
def test_each_failure_of_the_server_arrives_as_its_error(failure: Failure, error: type[EngineError]) -> None:
    with LoopbackOllama() as server:
        server.failures.append(failure)
        with pytest.raises(error):
            OllamaEngine(server.url).answer(REQUEST)


def test_health_says_how_much_is_on_the_gpu_and_an_answer_which_digest_it_came_from() -> None:
    with LoopbackOllama(vram_share=0.5) as server:
        engine = OllamaEngine(server.url)
        assert engine.health().gpu_share is None
        answer = engine.answer(REQUEST)
        assert answer.model_digest == next(m.digest for m in engine.models() if m.name == REQUEST.model)
        assert (engine.health().gpu_share, engine.health().loaded) == (0.5, (REQUEST.model,))


def test_pulling_shows_progress_and_an_unknown_name_is_missing() -> None:
    seen: list[tuple[str, int, int]] = []
    with LoopbackOllama(models=()) as server:
        OllamaEngine(server.url).pull("new:7b", lambda *step: seen.append(step))
        assert seen[-1][0] == "success"
        server.pull_error = "pull model manifest: file does not exist"
        with pytest.raises(errors.ModelMissing):
            OllamaEngine(server.url).pull("nobody")
        server.stop()
        with pytest.raises(errors.EngineDown):
            OllamaEngine(server.url).pull("x")


def test_a_prompt_that_is_too_long_to_count_says_about_how_long_it_is() -> None:
    with LoopbackOllama() as server, pytest.raises(ContextExceeded) as caught:
        OllamaEngine(server.url).count_tokens(replace(REQUEST, prompt="a long story " * 800, num_ctx=1024))
    assert caught.value.estimated
    assert caught.value.over_by > 500


def test_an_old_server_that_cuts_prompts_is_not_believed_when_it_counts() -> None:
    with LoopbackOllama(version="0.12.5") as server, pytest.raises(ContextExceeded):
        OllamaEngine(server.url).count_tokens(replace(REQUEST, prompt="a long story " * 800, num_ctx=1024))


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7.0), ("86400", 86_400.0), ("soon", None), ("1e400", None), ("", None)]
)
def test_how_long_ollama_asks_to_be_left_alone_is_read(said: str, seconds: float | None) -> None:
    with LoopbackOllama(retry_after=said) as server:
        server.failing_prompts = {"": Failure.RATE_LIMITED}
        with pytest.raises(errors.RateLimited) as caught:
            OllamaEngine(server.url).answer(Request(prompt="Hi", model="qwen2.5-coder:7b"))
        assert caught.value.retry_after_s == seconds

"""The Ollama client against a loopback server that speaks Ollama's wire."""

from __future__ import annotations

import threading

import pytest

from bridge.kernel.address import ollama_url
from bridge.kernel.error_kind import ErrorKind, OllamaError, Stopped, read_error
from bridge.kernel.ollama import Ollama
from bridge.kernel.options import check_options
from bridge.kernel.stop import Stop
from tests.support.ollama import REAL_ANSWERS, Failure, LoopbackOllama, real_answers
from tests.support.patience import LONG_S

MODEL = "qwen2.5-coder:7b"


def ask(server: LoopbackOllama, prompt: object = "Say hi.", **options: object):
    silence_s = options.pop("silence_s", 20)
    limits = {"model": MODEL, "num_ctx": 4096, "num_predict": 256, **options}
    return Ollama(server.url, silence_s=silence_s).answer(prompt, **limits)


def test_an_answer_comes_piece_by_piece_and_whole() -> None:
    pieces: list[str] = []
    with LoopbackOllama(answer=lambda prompt: "one two three\n") as server:
        reply = ask(server, on_token=pieces.append)
    assert reply.text == "".join(pieces) == "one two three\n"
    assert len(pieces) == 4
    assert (reply.finish_reason, reply.model, reply.prompt_tokens, reply.completion_tokens) == ("stop", MODEL, 2, 4)
    assert set(reply.timing_s) == {"total", "load", "prompt", "answer"}


def test_every_request_says_its_context_its_limit_and_that_nothing_may_be_cut() -> None:
    with LoopbackOllama() as server:
        ask(server, "A {prompt} with $signs and %%qwen")
        ask(server, {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]})
    plain, chat = server.requests
    assert plain["prompt"] == "A {prompt} with $signs and %%qwen"
    assert [m["content"] for m in chat["messages"]] == ["Be brief.", "Hi"]
    assert plain["shift"] is chat["shift"] is False
    assert plain["truncate"] is chat["truncate"] is False
    assert plain["options"] == chat["options"] == {"num_ctx": 4096, "num_predict": 256}
    assert server.loads == 1  # nothing that reloads the model changed


@pytest.mark.parametrize(
    ("failure", "trouble", "words", "partial"),
    [
        (Failure.MISSING, ErrorKind.MODEL_MISSING, "not found", ""),  # 404 with Ollama's JSON
        (Failure.BUSY, ErrorKind.OVERLOADED, "server busy", ""),  # 503
        (Failure.WRONG_TYPE, ErrorKind.BAD_REQUEST, "must be of type", ""),  # a 500 that must not be tried again
        (Failure.OUT_OF_MEMORY, ErrorKind.OUT_OF_MEMORY, "smaller model", ""),  # a 500 that says what to do
        (Failure.FORBIDDEN, ErrorKind.REFUSED, "disabled", ""),  # 403
        (Failure.RATE_LIMITED, ErrorKind.RATE_LIMITED, "usage limit", ""),  # 429
        (Failure.BAD_GATEWAY, ErrorKind.DOWN, "does not talk like Ollama", ""),  # a proxy's page
        (Failure.TOO_LONG, ErrorKind.CONTEXT_EXCEEDED, "is 123 tokens too long", ""),  # counted by the server
        (Failure.MID_STREAM, ErrorKind.INTERRUPTED, "unexpected EOF", "abcdefghijkl"),  # HTTP 200, then an error line
        (Failure.NO_DONE, ErrorKind.INCOMPLETE, "without its last line", "abcdefghijkl"),  # a polite end is not enough
        (Failure.EMPTY, ErrorKind.INCOMPLETE, "with nothing", ""),  # done, zero tokens
        (Failure.ALL_SPENT, ErrorKind.BAD_REQUEST, "raise max_tokens", ""),  # the same would come of asking again
        (Failure.HANG_UP, ErrorKind.INTERRUPTED, "broke off", "abcdefghijkl"),  # killed in the middle, politely closed
        (Failure.GARBAGE, ErrorKind.INTERRUPTED, "broke off", "abcdefghijkl"),  # a line that is no JSON
        (Failure.RESET, ErrorKind.INTERRUPTED, "broke off", "abcdefghijkl"),  # the connection breaks in the middle
        (Failure.RESET_EARLY, ErrorKind.DOWN, "ollama serve", ""),  # it breaks before anything came
        (Failure.STALL, ErrorKind.INTERRUPTED, "nothing came", "abcdefghijkl"),  # silence after some text
        (Failure.MUTE, ErrorKind.INTERRUPTED, "nothing came", ""),  # silence from the start
    ],
)
def test_each_failure_of_the_server_has_its_reason_and_keeps_what_had_come(
    failure: Failure, trouble: ErrorKind, words: str, partial: str
) -> None:
    with LoopbackOllama(answer=lambda prompt: "abcdefghijklmnopqrstuvwxyz") as server:
        server.failures.append(failure)
        with pytest.raises(OllamaError, match=words) as caught:
            ask(server, silence_s=0.3 if failure in (Failure.STALL, Failure.MUTE) else 30)
        assert (caught.value.kind, caught.value.partial) == (trouble, partial)
        assert ask(server).text == "abcdefghijklmnopqrstuvwxyz"  # the next one is well


@pytest.mark.parametrize(
    ("status", "text", "trouble"),
    [
        (404, 'model "x" not found, try pulling it first', ErrorKind.MODEL_MISSING),  # the other wording of 7.5
        (500, "llama-server process has terminated: signal: killed", ErrorKind.INTERRUPTED),  # a crash: may pass
        (500, "model runner has unexpectedly stopped, this may be due to resource limitations", ErrorKind.INTERRUPTED),
        (500, "model requires more system memory (20 GiB) than is available (11 GiB)", ErrorKind.OUT_OF_MEMORY),
        (200, "CUDA error: out of memory", ErrorKind.OUT_OF_MEMORY),  # as a line in the stream, status lost
        (400, '"x" does not support chat', ErrorKind.NOT_SUPPORTED),
        (499, "client closed request", ErrorKind.INTERRUPTED),
        (418, "", ErrorKind.BAD_REQUEST),  # a status without words
    ],
)
def test_ollamas_own_words_are_read(status: int, text: str, trouble: ErrorKind) -> None:
    assert read_error(status, text).kind is trouble
    assert str(read_error(status, text))


def test_a_prompt_that_is_too_long_says_by_about_how_much_when_the_server_did_not_count() -> None:
    with LoopbackOllama() as server, pytest.raises(OllamaError) as caught:
        ask(server, "word " * 4000, num_ctx=1024)
    assert caught.value.kind is ErrorKind.CONTEXT_EXCEEDED
    assert caught.value.estimated
    assert caught.value.over_by == 20_000 / 3.36 // 1 + 1 - 1024
    assert f"about {caught.value.over_by} tokens too long" in caught.value.message


@pytest.mark.parametrize("version", ["0.12.5", "0.12.6", "0.24.0", "0.33.0"])
@pytest.mark.parametrize("chat", [False, True])
def test_a_prompt_that_is_too_long_is_refused_whatever_this_version_makes_of_it(version: str, chat: bool) -> None:
    prompt = "longer words " * 4000
    asked = {"messages": [{"role": "user", "content": prompt}]} if chat else prompt
    with LoopbackOllama(version=version) as server, pytest.raises(OllamaError, match="too long") as caught:
        ask(server, asked, num_ctx=1024)
    assert caught.value.kind is ErrorKind.CONTEXT_EXCEEDED


def test_an_answer_that_reaches_the_limit_says_length_also_when_it_repeats_for_ever() -> None:
    with LoopbackOllama(repeat_after=2) as server:
        reply = ask(server, num_predict=50)
    assert (reply.finish_reason, reply.completion_tokens) == ("length", 50)


def test_an_answer_that_the_server_gave_up_for_repeating_itself_is_kept_and_says_so() -> None:
    with LoopbackOllama(repeat_after=2) as server:
        server.failures.append(Failure.REPEATS)
        reply = ask(server)
    assert reply.finish_reason == "repetition"
    assert reply.text.endswith("again again ")


def test_nobody_listens() -> None:
    with LoopbackOllama() as server:
        pass
    with pytest.raises(OllamaError, match="ollama serve") as caught:
        ask(server)
    assert caught.value.kind is ErrorKind.DOWN


def test_a_restarted_server_answers_again() -> None:
    with LoopbackOllama() as server:
        assert ask(server).text
        server.stop()
        server.start()
        assert ask(server).text


@pytest.mark.parametrize("failure", [Failure.STALL, Failure.MUTE])
def test_stop_ends_a_request_that_waits_on_the_socket(failure: Failure) -> None:
    stop = Stop()
    with LoopbackOllama() as server:
        server.failures.append(failure)
        threading.Thread(target=lambda: (server.await_requests(1), stop.set())).start()
        with pytest.raises(Stopped):
            ask(server, stop=stop)
        with pytest.raises(Stopped):
            ask(server, stop=stop)  # stays stopped
    assert len(server.requests) <= 2


def test_stop_in_the_middle_tells_the_server_that_nobody_listens() -> None:
    stop = Stop()
    with LoopbackOllama(answer=lambda prompt: "x" * 40_000, token_delay_s=0.001) as server:
        with pytest.raises(Stopped):
            ask(server, num_predict=10_000, stop=stop, on_token=lambda piece: stop.set())
        with server.changed:
            assert server.changed.wait_for(lambda: server.cancelled == 1, LONG_S)


def test_the_time_limit_of_a_job_holds_though_pieces_keep_coming() -> None:
    slow = LoopbackOllama(answer=lambda prompt: "x" * 40_000, token_delay_s=0.01)
    with slow as server, pytest.raises(OllamaError, match="time limit") as caught:
        ask(server, num_predict=10_000, timeout_s=0.2)
    assert caught.value.kind is ErrorKind.INTERRUPTED


def test_an_exception_in_the_callers_callback_passes_through() -> None:
    def burst(piece: str) -> None:
        raise ZeroDivisionError

    with LoopbackOllama() as server, pytest.raises(ZeroDivisionError):
        ask(server, on_token=burst)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_ctx": "8192"}, "num_ctx"),  # HTTP 500 in Ollama
        ({"temperature": True}, "temperature"),  # a bool is no number here
        ({"tempreature": 0.1}, "unknown option"),  # ignored by Ollama
        ({"stop": "END"}, "stop"),  # a list is wanted
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(options: dict[str, object], words: str) -> None:
    with pytest.raises(OllamaError, match=words) as caught:
        check_options(options)
    assert caught.value.kind is ErrorKind.BAD_REQUEST


@pytest.mark.parametrize("prompt", ["", "  \n", {"messages": []}])
def test_an_empty_prompt_is_refused(prompt: object) -> None:
    with LoopbackOllama() as server, pytest.raises(OllamaError, match="empty"):
        ask(server, prompt)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),  # nothing said
        ("127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("gpu-box", "http://gpu-box:11434"),  # no port
        ("0.0.0.0:11434", "http://127.0.0.1:11434"),  # a server's value, used by a client
        ("http://gpu-box", "http://gpu-box:80"),  # as Ollama's envconfig reads it
        ("https://gpu.example/ollama/", "https://gpu.example:443/ollama"),  # behind a path
        ("[::1]:11434", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),  # an IPv6 address alone
        ("::1", "http://[::1]:11434"),  # without brackets as well
        ("[::]:5000", "http://[::1]:5000"),  # everywhere, in IPv6
        ("192.168.1.5", "http://192.168.1.5:11434"),  # no port, and not the web's
        (":5000", "http://127.0.0.1:5000"),  # a port alone
        ("gpu-box/ollama", "http://gpu-box:11434/ollama"),  # a path without a port
        ('"gpu-box"', "http://gpu-box:11434"),  # quotes that a shell or a .env file left there
        ("gpu-box:many", "http://gpu-box:11434"),  # a port that is none
        ("gpu-box:70000", "http://gpu-box:11434"),
        ("https://me:secret@gpu.example", "https://gpu.example:443"),  # a password is not sent, nor shown
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    assert ollama_url(host) == url
    assert ollama_url(url) == url


def test_what_is_on_disk_in_memory_and_how_much_of_it_on_the_gpu() -> None:
    with LoopbackOllama(vram_share=0.75) as server:
        client = Ollama(server.url)
        assert client.loaded() == []
        ask(server)
        assert MODEL in {model.name for model in client.models()}
        (loaded,) = client.loaded()
        assert (loaded.name, loaded.gpu_share, loaded.context_tokens) == (MODEL, 0.75, 4096)
        assert client.version().startswith("0.33")
        assert "insert" in client.show(MODEL)["capabilities"]
        with pytest.raises(OllamaError, match="not found"):
            client.show("nobody")


def test_a_pull_that_breaks_goes_on_where_it_stopped() -> None:
    waits: list[float] = []
    seen: list[int] = []
    with LoopbackOllama(models=(), pull_breaks=2) as server:
        Ollama(server.url).pull("new:7b", lambda status, done, total: seen.append(done), wait=waits.append)
    assert (server.pulls, waits) == (3, [2.0, 4.0])
    assert "new:7b" in server.models
    assert [done for done in seen if done] == [250_000, 500_000, 750_000, 1_000_000]


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        ("pull model manifest: file does not exist", ErrorKind.MODEL_MISSING),  # a name that nobody knows
        ("write /root/.ollama/models/blobs/x: no space left on device", ErrorKind.REFUSED),  # disk full
    ],
)
def test_a_pull_that_cannot_succeed_is_not_tried_again(error: str, trouble: ErrorKind) -> None:
    with LoopbackOllama(models=(), pull_error=error) as server, pytest.raises(OllamaError) as caught:
        Ollama(server.url).pull("x", wait=lambda seconds: pytest.fail("waited"))
    assert (caught.value.kind, server.pulls) == (trouble, 1)


@pytest.mark.skipif(not REAL_ANSWERS.exists(), reason="the shared real answers are not here")
def test_real_answers_arrive_byte_for_byte() -> None:
    answers = real_answers()
    with LoopbackOllama(answer=answers) as server:
        for number in range(40):
            prompt = "p" * (number + 1)
            assert ask(server, prompt, num_predict=100_000).text == answers(prompt)

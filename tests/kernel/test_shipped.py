"""The queue notebook that ships, byte for byte, run in a real kernel with a stand-in for Colab's tab."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.kernel.grammar import parse_result
from tests.support.notebooks import choose, execute, result_texts, shipped_notebook
from tests.support.ollama import Failure, LoopbackOllama
from tests.support.patience import LONG_S

# nbclient and jupyter_client warn about each other's event loops and about tornado: none of it is ours.
pytestmark = [
    pytest.mark.filterwarnings("default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
]


def run(book: dict[str, Any], folder: Path, server: LoopbackOllama, **environ: str) -> dict[str, Any]:
    return execute(book, folder, born_in_colab=True, OLLAMA_HOST=server.url, **environ)


def statuses(book: dict[str, Any]) -> list[str]:
    assert "stopped_by" not in book["metadata"], book["metadata"]
    return [parse_result(text)[0]["status"] for [text] in result_texts(book).values()]


def test_run_all_answers_all_three_jobs_at_once_and_a_second_run_asks_nothing(tmp_path: Path) -> None:
    barrier = threading.Barrier(3)  # opens only when three requests are inside at once

    def answer(prompt: str) -> str:
        barrier.wait(120)
        return f"Done: {prompt[:20]}\n"

    with LoopbackOllama(answer=answer) as server:
        first = run(shipped_notebook(), tmp_path, server)
        assert statuses(first) == ["succeeded"] * 3
        assert server.most_at_once == 3
        assert {request["model"] for request in server.requests} == {"qwen2.5-coder:32b"}
        second = run(first, tmp_path, server, BRIDGE_SPOOL="")
        assert len(server.requests) == 3
    assert result_texts(second) == result_texts(first)


def gathering(lanes: int) -> Callable[[str], str]:
    """Answers that come when as many are asked for at once as there are lanes."""
    together = threading.Barrier(lanes, timeout=LONG_S)
    return lambda prompt: f"{together.wait()} {prompt}"


def test_the_form_decides_how_many_are_answered_at_once(tmp_path: Path) -> None:
    for lanes in (1, 3):
        (tmp_path / str(lanes)).mkdir()
        with LoopbackOllama(answer=gathering(lanes)) as server:
            done = run(choose(shipped_notebook(), lanes=lanes), tmp_path / str(lanes), server)
            assert statuses(done) == ["succeeded"] * 3
            assert server.most_at_once == lanes


def test_killed_half_way_and_run_again_only_the_rest_is_asked(tmp_path: Path) -> None:
    with LoopbackOllama() as server:
        server.failures.extend([None, Failure.MUTE])

        def kill() -> None:
            server.await_requests(2)  # the first was answered, the second hangs
            os.kill(int((tmp_path / "kernel.pid").read_text()), signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        half = run(choose(shipped_notebook(), lanes=1), tmp_path, server)
        killer.join()
        server.failures.clear()
        whole = run(half, tmp_path, server)
        assert statuses(whole) == ["succeeded"] * 3
        assert len(server.prompts) == 4  # one, the one that hung, and the two that were left
        assert server.prompts[0] not in server.prompts[1:]


def test_the_magic_stands_on_line_one_and_what_runs_first_comes_first() -> None:
    cells = [cell for cell in shipped_notebook()["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in cells[:2]] == ["bridge-runtime", "bridge-setup"]
    assert [cell["source"].startswith("#@title") for cell in cells] == [True, True, False, False, False]
    assert all(cell["source"].startswith("%%qwen ") for cell in cells[2:])

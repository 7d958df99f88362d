"""What a person sees while prompts are answered: the panel, and each cell's place in the line."""

from __future__ import annotations

import threading

import pytest

from bridge.kernel.cells import read_cell
from bridge.kernel.grammar import split_cell
from bridge.kernel.lanes import CellTask
from bridge.kernel.panel import LISTED, Panel, ordinal, panel_text
from bridge.kernel.session import SERIES_S, Session
from tests.kernel.test_session import Recorder, run, settings
from tests.support.notebooks import job_ids, notebook, prompt_cell
from tests.support.ollama import Failure, LoopbackOllama
from tests.support.patience import LONG_S


def task(number: int, body: str = "Write it.") -> CellTask:
    return CellTask(read_cell(job_ids(number + 1)[number], body, index=number))


def begun(number: int, *, at_s: float, pieces: int, body: str = "Write it.") -> CellTask:
    made = task(number, body)
    made.lane, made.began_s = number + 1, at_s
    for _ in range(pieces):
        made.add("x")
    return made


def test_each_job_is_listed_with_state_lane_speed_and_time_left() -> None:
    done, failed, runs = begun(0, at_s=0, pieces=100), begun(1, at_s=0, pieces=0), begun(2, at_s=10, pieces=50)
    waits = [task(3), task(4)]
    done.finish("result", failed=False)
    failed.finish("result", failed=True)
    done.ended_s = failed.ended_s = 10.0
    lines = panel_text("1/5 done", [done, failed, runs, *waits], waits, now_s=15).splitlines()
    assert lines[0] == "1/5 done"
    assert [" ".join(line.split()) for line in lines[3:-1]] == [
        "answered lane 1, 10 s, 10 tokens/s Write it.",
        "failed lane 2, 10 s Write it.",
        "answering lane 3, 5 s, 10 tokens/s, about 5 s left Write it.",
        "queued, 1st of 2 Write it.",
        "queued, 2nd of 2 Write it.",
    ]


@pytest.mark.parametrize(("in_colab", "link"), [(False, "#cell-id="), (True, "#scrollTo=")])
def test_the_end_says_what_failed_and_where_and_what_to_do(in_colab: bool, link: str) -> None:
    tasks = [begun(number, at_s=0, pieces=1) for number in range(3)]
    for each in tasks:
        each.finish("result", failed=each is tasks[1])
    text = panel_text("", tasks, [], now_s=1, in_colab=in_colab)
    assert text.startswith(f"**2 answered, 1 failed ([here]({link}{tasks[1].cell.job})). Now save.**")
    tasks.append(task(3))
    tasks[3].abandon()
    assert "1 stopped. Run all again to go on." in panel_text("", tasks, [], now_s=1)


def test_a_prompt_is_plain_text_in_the_panel() -> None:
    hostile = "```\n" + "".join(map(chr, range(0x2100))) + "``` <img src=x onerror=alert(1)> [a](javascript:b) $x$ ~~~"
    text = panel_text("", [task(0, hostile.replace("\n", " "))], [], now_s=0)
    assert text.count("```") == 2
    body = text.split("```text\n")[1].removesuffix("\n```")
    assert not set(body) & set("`<>[]$~\\&@")
    assert "\n" not in body


def test_of_a_large_queue_those_that_run_failed_or_are_next_are_listed() -> None:
    tasks = [task(number) for number in range(100)]
    for each in tasks[:50]:
        each.finish("result", failed=each is tasks[7])
    text = panel_text("", tasks, tasks[50:], now_s=0)
    assert text.count("Write it.") == LISTED
    assert "failed" in text
    assert "queued, 1st of 50" in text
    assert "and 76 more" in text


def test_the_panel_is_written_at_most_once_a_second_and_at_the_end() -> None:
    now, shown = [0.0], list[str]()
    panel = Panel(lambda: now[0])
    each = task(0)
    panel.update("nowhere", [each], [])
    panel.show = shown.append
    for head in ("a", "b", "c"):
        panel.update(head, [each], [])
        now[0] += 0.6
    each.finish("result", failed=False)
    panel.update("d", [each], [])
    panel.update("e", [each], [])
    assert [text.split("\n")[0] for text in shown] == ["a", "c", "**1 answered. Now save.**"]


@pytest.mark.parametrize(
    ("number", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd"), (113, "113th")]
)
def test_ordinals(number: int, word: str) -> None:
    assert ordinal(number) == word


def test_a_cell_that_waits_says_its_place_in_the_line() -> None:
    cells = [prompt_cell(job, f"Prompt {job}") for job in job_ids(4)]
    held = threading.Event()

    def answer(prompt: str) -> str:
        held.wait(LONG_S)
        return "Done."

    with LoopbackOllama(answer=answer) as server:
        session = Session(settings(server, lanes=1), notebook=lambda: notebook(*cells), refresh_s=0.01)
        panel: list[str] = []
        session.panel.show = panel.append

        class Watching(Recorder):
            def show(self, text: str) -> None:
                super().show(text)
                if "queued, 3rd of 3" in text:
                    held.set()

        screen = Watching()
        session.run_cell(*split_cell(cells[3]["source"]), screen)
        assert any("queued, 3rd of 3 · 0/4 done" in text for text in screen.shown)
        assert panel[-1].startswith("**4 answered. Now save.**")


def test_one_cell_asks_for_itself_and_a_series_of_cells_for_all() -> None:
    cells = [prompt_cell(job, f"Prompt {job}") for job in job_ids(4)]
    now = [100.0]
    with LoopbackOllama() as server:
        session = Session(settings(server), notebook=lambda: notebook(*cells), refresh_s=0.01, clock=lambda: now[0])
        session.note_end()  # the set-up cell
        now[0] += SERIES_S
        run(session, cells[2])
        assert len(server.requests) == 1
        now[0] += SERIES_S
        run(session, cells[1])
        assert len(server.requests) == 2
        run(session, cells[3])  # at once: somebody runs all cells from here on
        server.await_requests(4)


def test_a_failed_cell_that_runs_alone_is_tried_alone() -> None:
    cells = [prompt_cell(job, f"Prompt {job}") for job in job_ids(2)]
    now = [0.0]
    with LoopbackOllama() as server:
        server.failures.extend([Failure.OUT_OF_MEMORY, Failure.OUT_OF_MEMORY])
        session = Session(
            settings(server, tries=1), notebook=lambda: notebook(*cells), refresh_s=0.01, clock=lambda: now[0]
        )
        for cell in cells:
            run(session, cell)
        asked = len(server.requests)
        now[0] += SERIES_S
        run(session, cells[0])
        assert server.prompts[asked:] == [f"Prompt {job_ids(1)[0]}"]

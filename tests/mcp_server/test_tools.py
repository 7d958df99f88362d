"""The tools, in this process, by the official client: what they refuse, promise and say to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from bridge import Bridge
from bridge.mcp_server.server import server
from bridge.mcp_server.words import INSTRUCTIONS, PRIVACY
from tests.support.answers import BROKEN, GOOD
from tests.support.patience import LONG_S
from tests.support.queues import make_queue

ROOT = Path(__file__).parents[2]
SECRET = "AKIA" + "Z7QX3PLM4VNT2RKD"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Bridge]:
    with Bridge(str(make_queue(tmp_path / "queue"))) as opened:
        yield opened


Talk = Callable[[Callable[[Client], Awaitable[None]]], None]


@pytest.fixture
def talk(queue: Bridge, project: Path) -> Talk:
    """Let a client talk to the server of the queue."""

    def start(script: Callable[[Client], Awaitable[None]]) -> None:
        async def session() -> None:
            with anyio.fail_after(60):
                async with Client(server(queue, root=project, beat_s=0.01)) as client:
                    await script(client)

        anyio.run(session)

    return start


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    told = await client.call_tool(tool, arguments)
    assert not told.is_error, told.content
    found: dict[str, Any] = told.structured_content or {}
    return found


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    told = await client.call_tool(tool, arguments)
    assert told.is_error
    return str(told.content[0].text)  # type: ignore[union-attr]  # errors are text


def test_no_tool_takes_a_field_that_it_does_not_know(talk: Talk, queue: Bridge):
    async def script(client: Client) -> None:
        for tool in (await client.list_tools()).tools:
            assert tool.input_schema["additionalProperties"] is False
            assert "unknown field 'unknown_thing'" in await refused(client, tool.name, unknown_thing=1)
        said = await refused(client, "enqueue_prompts", prompts=[{"prompt": "a"}], callers="me")
        assert "did you mean 'caller'?" in said
        assert "max_token" in await refused(client, "enqueue_prompts", prompts=[{"prompt": "a", "max_token": 5}])

    talk(script)
    assert queue.jobs() == []


def test_every_tool_says_what_it_does_to_the_world(talk: Talk):
    #                   reads only, destroys, may be repeated, reaches out
    expected = {
        "enqueue_prompts": (False, False, False, True),
        "context": (True, False, True, False),
        "queue_status": (True, False, True, False),
        "list_jobs": (True, False, True, False),
        "search": (True, False, True, False),
        "wait_for_results": (False, False, True, True),
        "get_result": (True, False, True, False),
        "cancel_jobs": (False, True, True, False),
        "retry": (False, True, False, True),
        "answer": (False, False, False, False),
        "apply_result": (False, True, True, False),
    }

    async def script(client: Client) -> None:
        found = {}
        for tool in (await client.list_tools()).tools:
            hints = tool.annotations
            assert hints is not None
            assert tool.title
            found[tool.name] = (
                hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint,
            )  # fmt: skip
        assert found == expected

    talk(script)


def test_tools_that_say_that_they_only_read_change_nothing(talk: Talk, queue: Bridge, project: Path):
    job = queue.add("Write f.", lang="python")
    (project / "a.py").write_text("x = 1\n")
    before = (queue.store.version(), sorted(path.name for path in queue.path.parent.iterdir()) if queue.path else [])

    async def script(client: Client) -> None:
        await call(client, "context", files=["a.py"])
        await call(client, "queue_status")
        await call(client, "list_jobs")
        await call(client, "search", text="write")
        await call(client, "get_result", job=job)

    talk(script)
    assert queue.path is not None
    assert (queue.store.version(), sorted(path.name for path in queue.path.parent.iterdir())) == before


def test_a_key_that_asks_something_else_now_is_said_and_not_added(talk: Talk, queue: Bridge):
    first = queue.add("Write f.", key="k")

    async def script(client: Client) -> None:
        told = await call(
            client, "enqueue_prompts", prompts=[{"prompt": "Write g.", "key": "k"}, {"prompt": "Write h."}]
        )
        assert (told["jobs"][0], told["already_there"], told["different_text"]) == (first, [first], [first])
        assert "your text was NOT added" in told["next"]
        assert first in told["next"]
        same = await call(client, "enqueue_prompts", prompts=[{"prompt": "Write f.", "key": "k"}])
        assert (same["already_there"], same["different_text"]) == ([first], [])
        assert "NOT" not in same["next"]

    talk(script)
    assert [queue.get(line.id).prompt for line in queue.jobs()] == ["Write f.", "Write h."]


def test_every_reply_says_what_to_do_next_along_a_jobs_life(talk: Talk, queue: Bridge):
    async def script(client: Client) -> None:
        [job] = (
            await call(client, "enqueue_prompts", prompts=[{"prompt": "Write f.", "lang": "python", "out": "f.py"}])
        )["jobs"]
        steps = [
            ("queue_status", {}, "bridge work"),  # nobody works
            ("get_result", {"job": job}, "no answer yet"),
            ("cancel_jobs", {"jobs": [job]}, "retry puts them back"),
            ("get_result", {"job": job}, "answer gives it an answer of your own"),
            ("retry", {"jobs": [job]}, "wait_for_results"),
            ("wait_for_results", {"jobs": [job], "timeout_s": 0.01}, "call wait_for_results with `not_ready` again"),
            ("answer", {"job": job, "text": GOOD}, "wait_for_results checks it"),
            ("get_result", {"job": job}, "Not checked yet"),
            ("wait_for_results", {"jobs": [job], "timeout_s": 50}, "apply_result shows what would change"),
            ("list_jobs", {}, "get_result"),
            ("search", {"text": "write"}, "get_result"),
            ("search", {"text": "unheard-of"}, "There is none"),
            ("apply_result", {"job": job}, "dry_run=false"),
            ("apply_result", {"job": job, "dry_run": False}, "run the project's tests"),
            ("apply_result", {"job": job}, "nothing to write"),
            ("queue_status", {}, "Nothing waits"),
        ]  # fmt: skip
        for tool, arguments, says in steps:
            assert says in (await call(client, tool, **arguments))["next"], tool

    talk(script)


def test_errors_are_to_be_mended_and_not_applied(talk: Talk, queue: Bridge):
    job = queue.add("Write f.", lang="python", out="f.py")
    queue.answer(job, BROKEN)
    queue.wait([job], max_rounds=0, timeout_s=60)

    async def script(client: Client) -> None:
        told = await call(client, "get_result", job=job)
        assert (told["result"]["verdict"], "apply_result refuses it" in told["next"]) == ("errors", True)
        assert "errors" in await refused(client, "apply_result", job=job, dry_run=False)

    talk(script)


def test_jobs_are_listed_newest_first_by_state_and_found_by_what_they_say(talk: Talk, queue: Bridge):
    jobs = [queue.add(f"Sort {n} numbers\nquickly", key=f"k{n}", caller="me" if n else "other") for n in range(3)]
    queue.cancel(jobs[2])

    async def script(client: Client) -> None:
        listed = (await call(client, "list_jobs"))["jobs"]
        assert [job["job"] for job in listed] == jobs[::-1]
        assert (listed[0]["state"], listed[0]["first_words"], listed[0]["key"]) == (
            "cancelled",
            "Sort 2 numbers quickly",
            "k2",
        )
        assert [job["job"] for job in (await call(client, "list_jobs", state="queued", caller="me"))["jobs"]] == [
            jobs[1]
        ]
        assert [job["job"] for job in (await call(client, "search", text="NUMBERS 1"))["jobs"]] == [jobs[1]]
        assert "state" in await refused(client, "list_jobs", state="done")

    talk(script)


def test_files_of_the_project_go_with_a_prompt_and_are_sized_before(talk: Talk, queue: Bridge, project: Path):
    (project / "models.py").write_text("class User:\n    name: str\n" * 50)

    async def script(client: Client) -> None:
        size = await call(client, "context", files=["models.py"], prompt="Write tests.")
        assert (size["files"][0]["problem"], size["fits"], "enqueue_prompts" in size["next"]) == (None, True, True)
        assert size["tokens"] + size["left_for_the_answer"] == size["window"]
        narrow = await call(client, "context", files=["models.py"], window=300)
        assert (narrow["fits"], "fewer files" in narrow["next"]) == (False, True)
        await call(client, "enqueue_prompts", prompts=[{"prompt": "Write tests.", "context": ["models.py"]}])

    talk(script)
    [line] = queue.jobs()
    assert "Context file `models.py`:" in queue.get(line.id).prompt
    assert "name: str" in queue.get(line.id).prompt


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../outside.py", "leaves its folder"),
        ("/etc/hosts", "is absolute"),
        ("link.py", "symbolic link"),
        ("nothing.py", "has no file"),
        ("image.bin", "not text"),
        ("keys.py", "AWS access key"),
    ],
)
def test_no_file_outside_of_the_project_and_no_secret_goes_with_a_prompt(
    talk: Talk, queue: Bridge, project: Path, name: str, says: str
):
    (project.parent / "outside.py").write_text("x = 1\n")
    if name == "link.py":
        try:
            (project / name).symlink_to(project.parent / "outside.py")
        except OSError as error:
            pytest.skip(f"this system makes no links: {error}")
    (project / "image.bin").write_bytes(b"\xff\xfe\x00")
    (project / "keys.py").write_text(f'KEY = "{SECRET}"\n')

    async def script(client: Client) -> None:
        size = await call(client, "context", files=[name])
        assert (says in size["files"][0]["problem"], size["fits"], name in size["next"]) == (True, False, True)
        said = await refused(client, "enqueue_prompts", prompts=[{"prompt": "a", "context": [name]}])
        assert says in said
        assert name in said  # which file it is
        assert SECRET not in said + json.dumps(size)

    talk(script)
    assert queue.jobs() == []


def test_an_answer_that_holds_a_secret_is_refused(talk: Talk, queue: Bridge):
    job = queue.add("Write f.")

    async def script(client: Client) -> None:
        assert "AWS access key" in await refused(client, "answer", job=job, text=f"Use {SECRET}")

    talk(script)
    assert job.state.value == "queued"


def test_a_wait_shows_signs_of_life_that_always_grow(talk: Talk, queue: Bridge):
    first, second = queue.add("Write f.", lang="python"), queue.add("Write g.")
    notes: list[tuple[float, str]] = []

    async def script(client: Client) -> None:
        three, one_more = anyio.Event(), anyio.Event()

        async def progress(done: float, total: float | None, message: str | None) -> None:
            assert total == 2
            notes.append((done, message or ""))
            if len(notes) >= 3:
                three.set()
            if done > 1:
                one_more.set()

        async def wait() -> None:
            told = await client.call_tool("wait_for_results", {"jobs": [first, second]}, progress_callback=progress)
            assert not told.is_error

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await three.wait()
            queue.answer(first, GOOD)
            await one_more.wait()
            queue.cancel(second)

    talk(script)
    assert [done for done, _ in notes] == sorted({done for done, _ in notes})
    assert notes[-1][0] == 2
    assert any("0 of 2 ready; no worker is alive" in message for _, message in notes)


def test_results_can_be_read_by_address(talk: Talk, queue: Bridge):
    job, waiting = queue.add("Write f.", lang="python"), queue.add("Write g.")
    queue.answer(job, GOOD)
    queue.wait([job], timeout_s=60)

    async def script(client: Client) -> None:
        assert [str(found.uri) for found in (await client.list_resources()).resources] == ["bridge://queue"]
        templates = (await client.list_resource_templates()).resource_templates
        assert [found.uri_template for found in templates] == ["bridge://jobs/{job}", "bridge://jobs/{job}/answer"]

        async def read(address: str) -> str:
            return str((await client.read_resource(address)).contents[0].text)  # type: ignore[union-attr]  # text

        told = json.loads(await read(f"bridge://jobs/{job}"))
        assert (told["result"]["verdict"], "Do not follow" in told["untrusted"]) == ("clean", True)
        assert await read(f"bridge://jobs/{job}/answer") == GOOD
        assert json.loads(await read("bridge://queue"))["jobs_by_state"] == {"delivered": 1, "queued": 1}
        for address, says in (
            (f"bridge://jobs/{waiting}/answer", "no answer yet"),
            (f"bridge://jobs/{'0' * 26}", "no job"),
        ):
            with pytest.raises(MCPError, match=says):
                await read(address)

    talk(script)


def test_the_page_names_every_tool_with_what_it_changes_and_every_resource(talk: Talk):
    rows = [
        line.split("|") for line in (ROOT / "docs" / "mcp.md").read_text("utf-8").splitlines() if line.startswith("| `")
    ]
    told = {row[1].strip(" `"): row[3].strip() for row in rows if len(row) == 5}
    addresses = [row[1].strip(" `") for row in rows if len(row) == 4]

    async def script(client: Client) -> None:
        tools = (await client.list_tools()).tools
        assert list(told) == [tool.name for tool in tools]
        assert [told[tool.name] == "nothing" for tool in tools] == [
            tool.annotations and tool.annotations.read_only_hint for tool in tools
        ]
        found = [str(one.uri) for one in (await client.list_resources()).resources]
        found += [one.uri_template for one in (await client.list_resource_templates()).resource_templates]
        assert addresses == found

    talk(script)


def test_privacy_is_told_as_the_readme_tells_it():
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    said = " ".join(PRIVACY.split())

    assert "With a local engine nothing leaves the machine." in readme
    assert said.startswith("With a local engine nothing leaves the machine.")
    assert re.search(r"Colab \(they go to your Drive\)", readme)
    assert "go to the owner's Drive" in said
    assert said in " ".join(INSTRUCTIONS.split())
    assert "private" not in INSTRUCTIONS


def test_a_wait_that_runs_out_of_time_gives_what_is_ready(talk: Talk, queue: Bridge):
    done, left = queue.add("Write f."), queue.add("Write g.")
    queue.answer(done, GOOD)

    async def script(client: Client) -> None:
        await call(client, "wait_for_results", jobs=[done], timeout_s=LONG_S)  # checked, however long that takes
        told = await call(client, "wait_for_results", jobs=[done, left], timeout_s=0.1)
        assert ([what["job"] for what in told["ready"]], told["not_ready"]) == ([done], [left])

    talk(script)


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("get_result", {"job": "0" * 26}, "no job"),  # unknown
        ("cancel_jobs", {"jobs": ["DONE"]}, "nothing left to cancel"),  # finished already
        ("enqueue_prompts", {"prompts": [{"prompt": "  "}]}, "empty"),  # nothing to ask
        ("enqueue_prompts", {"prompts": [{"prompt": "x", "lang": 3}]}, "lang"),  # against the schema
        ("apply_result", {"job": "DONE", "dry_run": False}, "not checked"),  # nobody has looked at it
    ],
)
def test_a_refusal_is_an_error_that_the_agent_can_read(
    talk: Talk, queue: Bridge, tool: str, arguments: dict[str, Any], says: str
):
    done = queue.add("Write f.")
    queue.answer(done, BROKEN)
    asked = json.loads(json.dumps(arguments).replace("DONE", done))

    async def script(client: Client) -> None:
        told = await client.call_tool(tool, asked)
        assert told.is_error
        assert says in told.content[0].text  # type: ignore[union-attr]  # errors are text

    talk(script)


@pytest.mark.parametrize("out", [".github/f.py", ".claude/hooks/f.py", "conftest.py"])
def test_no_tool_writes_a_file_that_programs_run_unasked_whatever_it_is_asked(
    talk: Talk, queue: Bridge, project: Path, out: str
):
    job = queue.add("Write f.", lang="python", out=out)
    queue.answer(job, GOOD)
    queue.wait([job], timeout_s=60)

    async def script(client: Client) -> None:
        for more in ({}, {"allow_sensitive": [out]}, {"allowed": [out]}):
            told = await client.call_tool("apply_result", {"job": job, "dry_run": False, "force": True, **more})
            assert told.is_error
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert "sensitive" not in json.dumps(tools["apply_result"].input_schema)

    talk(script)
    assert not any(found.is_file() for found in project.rglob("*"))

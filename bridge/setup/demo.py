"""The first run: a queue in a fresh folder, its prompts answered, checked, repaired, handed over, and one result applied.

What it does is what the commands do, one after the other; the folder that it leaves is a queue like any other.

    bridge-demo/
        bridge.toml                 so that commands find the queue from here
        notebooks/                  the queue, and what Colab needs beside it
        outbox/<job>/               each result: answer.md, result.json, files/
        project/                    what `bridge apply` wrote
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bridge import wiring
from bridge.api.bridge import Bridge
from bridge.api.local_run import LocalRun, prepared
from bridge.api.views import JobView
from bridge.core.errors import QueueExists, QueueNotWritable, UsageError
from bridge.core.events import Event, EventKind, Listener
from bridge.core.job import NewJob, Options
from bridge.core.jsonable import Jsonable
from bridge.engines.base import Engine
from bridge.format.template import EXAMPLES
from bridge.models.tiny import DEMO_PROMPTS
from bridge.setup import create
from bridge.worker.config import WorkerConfig

FOLDER = "bridge-demo"

#: Tokens for prompt and answer. A repair shows the model the prompt, its answer and what is wrong with it.
NUM_CTX = 4096


@dataclass(frozen=True, kw_only=True)
class DemoFolder:
    """The folders of a demo, absolute."""

    folder: Path
    queue: Path

    @property
    def outbox(self) -> Path:
        """Where results are handed over to."""
        return self.folder / "outbox"

    @property
    def project(self) -> Path:
        """Where one result is applied."""
        return self.folder / "project"


@dataclass(frozen=True, kw_only=True)
class Row(Jsonable):
    """What became of one prompt."""

    job: str
    name: str
    language: str | None
    state: str
    verdict: str | None
    level: str | None  #: how far it was checked, as in docs/handover.md
    rounds: int  #: of repair
    seconds: float | None  #: from the start of the work until it was checked to its end
    file: Path | None  #: the first file of the result, in the outbox

    def to_json(self) -> dict[str, object]:
        """As one JSON object; documented in docs/cli.md."""
        return {**super().to_json(), "file": str(self.file) if self.file else None}


@dataclass(frozen=True, kw_only=True)
class Story:
    """What a demo came to."""

    rows: list[Row]
    seconds: float
    applied: str | None  #: the job whose code went into the project; None: none was clean
    written: list[Path]

    @property
    def complete(self) -> bool:
        """Whether every prompt has an answer that was checked, whatever the verdict."""
        return all(row.verdict is not None for row in self.rows)


def make_place(folder: Path | None) -> DemoFolder:
    """A queue in a folder of its own: the one given, else the first of `bridge-demo`, `bridge-demo-2`, ... that is free.

    Raises:
        QueueExists: the folder is there and not empty; nothing is overwritten.
        QueueNotWritable: it cannot be made.
    """
    chosen = folder.absolute() if folder is not None else _free_folder(Path.cwd())
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        taken = any(chosen.iterdir())
    except FileExistsError:
        taken = True
    except OSError as error:
        raise QueueNotWritable(f"cannot make {chosen}: {error.strerror}; --folder DIR names another place") from error
    if taken:
        raise QueueExists(f"{chosen} is there already and is not overwritten: --folder DIR names another place")
    made = create.create_queue(chosen, "notebooks/qwen_bridge.ipynb", examples=False, config=True)
    place = DemoFolder(folder=chosen, queue=made.queue)
    place.project.mkdir()
    return place


def prompts() -> dict[str, NewJob]:
    """{short name: job}: those that the tiny model knows, then the three examples of a new queue."""
    known = {p.name: NewJob(body=p.text, options=Options(lang=p.language, out=p.out)) for p in DEMO_PROMPTS}
    examples = {Path(o.out or key).stem: NewJob(body=body, options=o) for key, body, o in EXAMPLES}
    return {**known, **examples}


class Demo:
    """One demo on a queue that `make_place` made; a context manager that holds the queue open."""

    def __init__(self, place: DemoFolder, *, listener: Listener, now_s: Callable[[], float]) -> None:
        """`listener` is told what happens, with the prompts' names for ids. `now_s`: seconds of a clock that only goes forward."""
        self._place = place
        self._listener = listener
        self._now_s = now_s
        self._names: dict[str, str] = {}  # {job: short name}
        self._bridge = Bridge(str(place.queue), caller="demo", listener=self._named)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._bridge.close()

    def add(self) -> int:
        """Put the prompts into the queue; gives how many. Raises what `Bridge.add_many` raises."""
        wanted = prompts()
        added = self._bridge.add_many(list(wanted.values()))
        self._names = {job.id: name for job, name in zip(added, wanted, strict=True)}
        return len(added)

    def run(
        self, engine: Engine, plan: WorkerConfig, *, around: Callable[[LocalRun], AbstractContextManager[None]]
    ) -> Story:
        """Have the prompts answered, checked, repaired and handed over; then apply one result.

        `around`: gives what the work happens in, such as a display of it.

        Raises what `LocalRun.run` raises; what is done by then stays.
        """
        channels = wiring.open_channels(outbox=str(self._place.outbox), program=None, webhook=None)
        began = self._now_s()
        ready: dict[str, float] = {}

        def note(view: JobView) -> None:
            ready[view.id] = self._now_s() - began

        with prepared(
            self._bridge, engine, plan, queue=str(self._place.queue), channels=channels, rules=wiring.Rules(),
            listener=self._named,
        ) as local_run, around(local_run):  # fmt: skip
            views, _ = local_run.run(list(self._names), on_ready=note)
        applied, written = self._apply(views)
        return Story(
            rows=[self._row(view, ready.get(view.id)) for view in views],
            seconds=self._now_s() - began,
            applied=applied,
            written=written,
        )

    def _apply(self, views: Sequence[JobView]) -> tuple[str | None, list[Path]]:
        """Write the first clean result that says where it belongs into the project; (its job, files), or (None, [])."""
        for view in views:
            if view.verdict == "clean":
                with suppress(UsageError):  # a model may leave the path out, or give several blocks
                    return view.id, [
                        change.target for change in self._bridge.apply_result(view.id, self._place.project)
                    ]
        return None, []

    def _row(self, view: JobView, seconds: float | None) -> Row:
        told = view.handover()
        files = sorted(p for p in (self._place.outbox / view.id / "files").rglob("*") if p.is_file())
        return Row(
            job=view.id,
            name=self._names[view.id],
            language=view.job.spec.options.lang,
            state=view.state.value,
            verdict=view.verdict,
            level=told.level.value if told.level else None,
            rounds=told.rounds,
            seconds=round(seconds, 1) if seconds is not None else None,
            file=files[0] if files else None,
        )

    def _named(self, event: Event) -> None:
        """An event with the names of jobs in place of their ids, rounds of repair included; the everyday ones are left out."""
        child, parent = event.facts.get("child"), str(event.facts.get("job"))
        if child and parent in self._names:
            self._names[str(child)] = f"{self._names[parent]} (round {event.facts['round']})"
        if event.kind in (EventKind.ANSWERED, EventKind.DELIVERED):
            return  # each is followed by a verdict, and by the table
        message = event.message
        for job, name in self._names.items():
            message = message.replace(job, name)
        self._listener(replace(event, message=message))


def _free_folder(below: Path) -> Path:
    """A path that nobody has yet."""
    names = itertools.chain([FOLDER], (f"{FOLDER}-{number}" for number in itertools.count(2)))
    return next(path for name in names if not (path := below / name).exists())

"""What one kernel knows of its notebook's jobs.

A cell that a person runs by itself asks for itself. In *Run all* one follows another at once: then the first one starts all jobs.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from .cells import PromptCell, read_cell, read_cells
from .engine_faults import EngineFaults
from .error_kind import ErrorKind, OllamaError, Stopped
from .grammar import GrammarError, Header, JobForm, failure_text, is_result, parse_result, read_count, render_result
from .lanes import CellTask, KernelLanes
from .ollama import Ollama
from .panel import Panel, ordinal
from .progress import Progress
from .queue_key import queue_key
from .run import Answerer, KernelWorker, RunSettings
from .screen import CellDisplay, Interrupted
from .signing import signed
from .spool import Spool
from .stop import Stop

#: Seconds between two looks at how much of the model is on the GPU.
GPU_LOOK_S = 30.0
#: A cell that begins so many seconds after another ended is one of a series: nobody presses two buttons that fast.
SERIES_S = 2.0


class Session:
    """The jobs of one notebook in one kernel. Cells run one after the other in the main thread; lanes run beside it."""

    def __init__(
        self,
        settings: RunSettings,
        *,
        where: str = "jupyter",
        notebook: Callable[[], Mapping[str, object] | None] = lambda: None,
        spool: Spool | None = None,
        revive: Callable[[], None] = lambda: None,
        refresh_s: float = 0.25,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._notebook = notebook
        self._spool = spool or Spool(None)
        self._refresh_s = refresh_s
        self._clock = clock
        self._id = f"kernel-{uuid.uuid4().hex[:8]}"
        self._where = where
        self._progress = Progress(clock)
        self.panel = Panel(clock, in_colab=where == "colab")
        self._tasks: dict[tuple[str, str], CellTask] = {}
        self._known: dict[tuple[str, str], PromptCell] = {}
        self._forced: set[tuple[str, str]] = set()
        self._ended_s: float | None = None  # when the last cell ended: the set-up or a prompt
        self._readable = True  # the notebook could be read, or was not asked for yet
        self._gpu_share: float | None = None
        self._gpu_seen_s: float | None = None
        self._lanes: KernelLanes | None = None
        self._answerer: Answerer | None = None
        self._faults = EngineFaults()
        self._key: str | None = None  # the queue's, with which results are signed
        self.configure(settings, revive=revive)

    def configure(self, settings: RunSettings, *, revive: Callable[[], None] = lambda: None) -> None:
        """Use these settings from now on. Requests under way are ended; their cells ask again."""
        self._end_lanes()
        self.settings = settings
        self.revive = revive
        self._lanes = self._answerer = None

    # ---- a cell ---------------------------------------------------------------------------------------------------

    def run_cell(self, line: str, body: str, screen: CellDisplay) -> None:
        """Show the result of the cell with this header line and body. A failure is shown, never raised.

        Raises:
            Interrupted: a person interrupted it; all lanes have ended.
        """
        try:
            screen.final(self._follow(line, body, screen))
            self.note_end()
        except KeyboardInterrupt:
            self.interrupt()
            screen.clear()
            raise Interrupted("answers that were complete are kept; run again to go on with the rest") from None

    def note_end(self) -> None:
        """A cell ended; one that begins at once is one of the same series."""
        self._ended_s = self._clock()

    def _follow(self, line: str, body: str, screen: CellDisplay) -> str:
        try:
            cell = read_cell(line, body)
        except GrammarError as error:
            return failure_text(f"the first line of this cell cannot be read: {error}")
        if cell.header.cancelled:
            return "*This job is cancelled.*"
        task = self._task(cell)
        while not task.wait(self._refresh_s):
            screen.show(f"*{self._place_of(task)}{self.progress_line()}*\n\n{task.text}")
            self._update_panel()
        self._update_panel()
        if task.result is None:
            return failure_text("stopped before there was an answer; run the cell again")
        task.shown = True
        return task.result

    def interrupt(self) -> None:
        """End all lanes; jobs without a result go back to pending."""
        self._end_lanes()
        self._progress.forget()
        self._update_panel()

    def _place_of(self, task: CellTask) -> str:
        waiting = self._lanes.waiting() if self._lanes else []
        return f"queued, {ordinal(waiting.index(task) + 1)} of {len(waiting)} · " if task in waiting else ""

    def _update_panel(self) -> None:
        run = [task for task in self._tasks.values() if task.began_s is not None or task.stopped or not task.over]
        self.panel.update(self.progress_line(), run, self._lanes.waiting() if self._lanes else [])

    def _end_lanes(self) -> None:
        if self._lanes:
            self._lanes.stop()
            self._faults.abandon()

    def again(self, prefixes: Iterable[str] = ()) -> int:
        """Forget the results of the jobs whose id starts so, of all without a prefix; how many. Their cells ask anew when they run."""
        self._look()
        wanted = tuple(prefix.upper() for prefix in prefixes) or ("",)
        cells = {**{key: task.cell for key, task in self._tasks.items() if task.over}, **self._known}
        chosen = {key: cell for key, cell in cells.items() if cell.job.startswith(wanted) and not cell.header.cancelled}
        for key, cell in chosen.items():
            self._known[key] = replace(cell, attempts=self._attempts(cell))
            self._tasks.pop(key, None)
        self._forced |= chosen.keys()
        return len(chosen)

    def ask(self, prompt: str, *, system: str | None, options: Mapping[str, object], screen: CellDisplay) -> str:
        """The answer to one prompt, outside the queue.

        Raises:
            OllamaError: there is none; with its reason.
        """
        header = Header(
            options={name: value for name, value in options.items() if value is not None},
            form=JobForm.PROMPT if system is None else JobForm.CHAT,
        )
        if system is not None:
            prompt = json.dumps([{"role": "system", "content": system}, {"role": "user", "content": prompt}])
        task = CellTask(PromptCell(job="", header=header, body=prompt))
        shown_at = self._clock()

        def on_token(piece: str) -> None:
            nonlocal shown_at
            task.add(piece)
            if self._clock() - shown_at >= self._refresh_s:
                shown_at = self._clock()
                screen.show(task.text)

        record, text = self._answering().answer(task.cell, stop=Stop(), begin=task.begin, on_token=on_token)
        if record["error"]:
            raise OllamaError(ErrorKind(record["error"]["kind"]), record["error"]["message"])
        screen.clear()
        return text

    def progress_line(self) -> str:
        """How far the run is."""
        running = self._lanes.running() if self._lanes else []
        model = self._answering().model_of(running[0].cell) if running else self.settings.model
        return self._progress.line(
            streaming_tokens=sum(task.pieces for task in running), model=model, gpu_share=self._gpu_share
        )

    # ---- what is there, and what is to do -------------------------------------------------------------------------

    def _task(self, cell: PromptCell) -> CellTask:
        """The task of an executing cell; if it has none yet, starts it, and in a series all that is pending."""
        key = cell.key
        task = self._tasks.get(key)
        retry = task is not None and task.failed and task.shown
        if task is not None and not task.stopped and not retry:
            return task
        if key not in self._known and self._readable:
            self._look()
        # The header as it stands in the cell now, not as it stood in the snapshot.
        self._known[key] = replace(self._known.get(key, cell), header=cell.header)
        series = self._ended_s is None or self._clock() - self._ended_s < SERIES_S
        failed = {k for k, t in self._tasks.items() if t.failed and t.shown} if retry else set()
        fresh = []
        for k, known in self._known.items() if series else [(key, self._known[key])]:
            before = self._tasks.get(k)
            if (before and not before.stopped and k not in failed) or (k != key and known.header.cancelled):
                continue
            found = None if k in self._forced else known.done or self._spooled(known)
            started = self._tasks[k] = CellTask(replace(known, attempts=self._attempts(known)))
            if found is not None:
                started.finish(found, failed=False)
            elif k == key or known.body.strip():
                fresh.append(started)
        self._start(fresh)
        return self._tasks[key]

    def _look(self) -> None:
        notebook = self._notebook()
        self._readable = notebook is not None
        for cell in read_cells(notebook or {}):
            self._known[cell.key] = cell

    def _spooled(self, cell: PromptCell) -> str | None:
        result = self._spool.get(cell.key)
        return result if result and _attempt(result) > cell.header.attempt_floor else None

    def _attempts(self, cell: PromptCell) -> int:
        task = self._tasks.get(cell.key)
        results = (task.result if task else None, self._spool.get(cell.key))
        return max(cell.attempts, *(_attempt(result) for result in results))

    # ---- the lanes ------------------------------------------------------------------------------------------------

    def _answering(self) -> Answerer:
        if self._answerer is None:
            client = Ollama(self.settings.host)
            version = ""
            with contextlib.suppress(OllamaError):
                version = client.version()
            worker = KernelWorker(id=self._id, where=self._where, engine_version=version)
            self._key = queue_key()
            self._answerer = Answerer(client, self.settings, worker, revive=self.revive)
        return self._answerer

    def _start(self, tasks: list[CellTask]) -> None:
        if not tasks:
            return
        if self._lanes is None:
            self._lanes = KernelLanes(
                self._work,
                lanes=self.settings.lanes,
                model_of=self._answering().model_of,
                idle=self._faults.nothing_left,
            )
        self._faults.begin()
        self._progress.expect(len(tasks))
        self._lanes.submit(tasks)

    def _work(self, task: CellTask, stop: Stop) -> None:
        answerer = self._answering()
        task.began_s = self._clock()

        def on_token(piece: str) -> None:
            task.add(piece)
            self._look_at_gpu(answerer)

        try:
            record, text = answerer.answer(task.cell, stop=stop, begin=task.begin, on_token=on_token)
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001  # a lane is a thread: nobody above would see it
            # A fault of ours must not leave its cell waiting for ever.
            record, text = answerer.failure(
                task.cell, OllamaError(ErrorKind.BAD_REQUEST, f"a fault of the runtime: {error!r}")
            )
        result = render_result(signed(record, text, self._key), text)
        failed = record["status"] == "failed"
        task.ended_s = self._clock()
        if not failed:
            self._spool.put(task.cell.key, result)
            self._faults.answered()
        self._forced.discard(task.cell.key)
        self._progress.finish(failed=failed, tokens=int(record["usage"].get("completion_tokens") or task.pieces))
        if failed and answerer.may_be_the_engine(task.cell, record):
            self._hold(task, result, record["error"]["message"])
        else:
            task.finish(result, failed=failed)

    def _hold(self, task: CellTask, result: str, why: str) -> None:
        """Leave open whose fault it was; if it is the engine's, nothing more is asked."""
        if notice := self._faults.failed(task, result, why):
            for other in self._lanes.take_back() if self._lanes else ():
                self._progress.finish(failed=True, tokens=0)
                other.finish(notice, failed=True)

    def _look_at_gpu(self, answerer: Answerer) -> None:
        now = self._clock()
        if self._gpu_seen_s is not None and now - self._gpu_seen_s < GPU_LOOK_S:
            return
        self._gpu_seen_s = now
        with contextlib.suppress(OllamaError):
            self._gpu_share = min((model.gpu_share for model in answerer.client.loaded()), default=None)


def _attempt(result: str | None) -> int:
    return read_count(parse_result(result)[0].get("attempt")) or 0 if result and is_result(result) else 0

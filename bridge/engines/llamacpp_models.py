"""Several GGUF files as one engine: one of them is in memory at a time, and asking for another switches.

Two 7B models do not fit where one does, and llama.cpp frees nothing by itself.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.core.errors import BadRequest, ModelMissing, NotOnHub
from bridge.engines.base import (
    EngineModel,
    Health,
    OnProgress,
    Stop,
    Stopped,
    ignore_progress,
)
from bridge.engines.delegating import DelegatingEngine
from bridge.engines.llamacpp import LlamaCppEngine, parts_of
from bridge.kernel.catalogue import known_name

#: A part of a model after its first.
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")


@dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """A folder of GGUF files."""

    path: Path
    open: Callable[[Path, str], LlamaCppEngine]  #: the engine of a file, by this name; loads nothing
    fetch: Callable[[str, OnProgress], object] | None = None  #: have a model there; None: nothing is fetched

    def files(self) -> dict[str, Path]:
        """{name: its file, or the first of its parts}; a model of the catalogue has its name there."""
        found = {}
        for file in sorted(self.path.glob("*.gguf")):
            stem = file.stem.partition("-00001-of-")[0]
            if not _LATER_PART.search(file.stem):
                found[known_name(stem) or stem] = file
        return found


class LlamaCppModels(DelegatingEngine):
    """One engine a file. Requests for the model in memory run side by side; one for another model waits until they have ended.

    Loading one has another go out of memory first.
    """

    name = "llamacpp"

    def __init__(self, engines: Mapping[str, LlamaCppEngine], *, folder: ModelFolder | None = None) -> None:
        """`engines`: {the model's name: its engine}, none of them loaded. `folder`: more, looked for again with each listing."""
        self._engines = dict(engines)
        self._folder = folder
        self._from_folder: set[str] = set()
        self._turn = threading.Condition()
        self._current: str | None = None
        self._users = 0

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`: the files that are there."""
        self._look()
        return tuple(model for engine in list(self._engines.values()) for model in engine.models())

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`: from the hub into the folder; what is fetched can be asked at once.

        Raises:
            DownloadFailed: it broke off; what came is kept, and the next call goes on from there.
        """
        self._look()
        if model not in self._engines and self._folder is not None and self._folder.fetch is not None:
            try:
                self._folder.fetch(model, on_progress)
            except NotOnHub as error:
                raise ModelMissing(str(error)) from None
            self._look()
            on_progress("success", 0, 0)
            return
        super().pull(model, on_progress)

    def remove(self, model: str) -> None:
        """See `Engine.remove`: its files go from the folder, once nobody uses it."""
        engine = self._engine(model)
        if self._folder is None or model not in self._folder.files():
            super().remove(model)
            return
        with self._turn:
            if self._users and self._current == model:
                raise BadRequest(f"{model} answers a request: remove it when that has ended")
            engine.close()
            for part in parts_of(self._folder.files()[model]):
                part.unlink(missing_ok=True)
            del self._engines[model]
            self._current = None if self._current == model else self._current

    def health(self) -> Health:
        """See `Engine.health`: well, as long as one of the files can be loaded."""
        found = [engine.health() for engine in list(self._engines.values())]
        good = [health for health in found if health.ok]
        if not good:
            return Health(ok=False, detail=found[0].detail if found else "there is no GGUF file")
        loaded = tuple(name for health in good for name in health.loaded)
        return Health(ok=True, detail=f"llama.cpp with {len(good)} models", version=good[0].version, loaded=loaded)

    def close(self) -> None:
        """See `Engine.close`."""
        for engine in self._engines.values():
            engine.close()

    def _engine(self, model: str) -> LlamaCppEngine:
        if model not in self._engines:
            self._look()
        if model not in self._engines:
            raise ModelMissing(f"there is no {model!r} here; there are {', '.join(sorted(self._engines)) or 'none'}")
        return self._engines[model]

    def _look(self) -> None:
        """Take note of files that came, and of those that went."""
        if self._folder is None:
            return
        files = self._folder.files()
        with self._turn:
            for name in [name for name in self._engines if name not in files and name in self._from_folder]:
                self._engines.pop(name).close()
            for name in files.keys() - self._engines.keys():
                self._engines[name] = self._folder.open(files[name], name)
            self._from_folder = set(files)

    @contextmanager
    def _using(self, model: str, stop: Stop) -> Iterator[LlamaCppEngine]:
        """The model's engine, while no other is in memory. Raises Stopped."""
        engine = self._engine(model)
        with stop.guard(self._wake):
            self._take_turn(model, stop)
        try:
            yield engine
        finally:
            with self._turn:
                self._users -= 1
                self._turn.notify_all()

    def _take_turn(self, model: str, stop: Stop) -> None:
        with self._turn:
            while self._users and self._current != model:
                self._turn.wait()
                if stop.is_set():
                    raise Stopped
            before, self._current = self._current, model
            self._users += 1
            if before is not None and before != model and before in self._engines:
                self._engines[before].unload(before)

    def _wake(self) -> None:
        with self._turn:
            self._turn.notify_all()

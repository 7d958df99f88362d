"""The embedded engine: one GGUF file, the toy, or a folder of files; and the folder that models are fetched into."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.core.errors import ConfigError
from bridge.wiring.settings import EngineSettings

if TYPE_CHECKING:
    from bridge.engines.base import Engine
    from bridge.engines.llamacpp import LlamaCppEngine
    from bridge.models.fetch import Hub


def open_hub(environ: Mapping[str, str] = os.environ, *, folder: Path | None = None) -> Hub:
    """Where models are fetched from: `HF_ENDPOINT`, else Hugging Face. `folder`: where to; default: `models_folder`."""
    from bridge.models.fetch import HUB_URL, Hub

    return Hub(folder or models_folder(environ), url=environ.get("HF_ENDPOINT") or HUB_URL)


def models_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where fetched models are kept: below `BRIDGE_CACHE_DIR`, else below the user's cache."""
    from platformdirs import user_cache_path

    given = environ.get("BRIDGE_CACHE_DIR")
    cache = Path(given).expanduser().absolute() if given else user_cache_path("qwen-bridge", appauthor=False)
    return cache / "models"


def open_embedded(engine: EngineSettings, *, lanes: int, num_ctx: int, environ: Mapping[str, str]) -> Engine:
    """The engine of a file, of the toy, or of a folder. Raises ConfigError, MissingExtra, NotSupported."""
    from bridge.engines.llamacpp import LlamaCppEngine
    from bridge.models import tiny

    if not engine.gguf:
        raise ConfigError("the engine llamacpp needs --gguf FILE, or `--gguf tiny` for the toy that ships with it")

    def open_file(file: Path, called: str | None = None) -> LlamaCppEngine:
        return LlamaCppEngine(file, lanes=lanes, num_ctx=num_ctx, called=called, yarn=engine.yarn)

    if engine.gguf == tiny.SHORT_NAME:
        return open_file(tiny.PATH, tiny.NAME)
    path = Path(engine.gguf)
    if path.is_dir() or path == models_folder(environ):
        from bridge.engines.llamacpp_models import LlamaCppModels, ModelFolder

        hub = open_hub(environ, folder=path)
        return LlamaCppModels({}, folder=ModelFolder(path=path, open=open_file, fetch=hub.fetch_model))
    return open_file(path)

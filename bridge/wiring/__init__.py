"""The one place that reads settings and the environment, and names concrete classes."""

from bridge.wiring.choice import Choice, choose_engine, open_hub
from bridge.wiring.handover import (
    Rules,
    desk_lock,
    open_bench,
    open_channels,
    open_desk,
    open_dispatch,
    open_waiting,
    open_watcher,
)
from bridge.wiring.labour import DEFAULT_MODEL, ENGINES, ollama_url, open_engine, open_worker, ready_model
from bridge.wiring.queue import Opened, journal_file, locate, open_queue, state_folder, system_clock

__all__ = [
    "DEFAULT_MODEL", "ENGINES", "Choice", "Opened", "Rules", "choose_engine", "desk_lock", "journal_file", "locate",
    "ollama_url", "open_bench", "open_channels", "open_desk", "open_dispatch", "open_engine", "open_hub", "open_queue", "open_waiting", "open_watcher",
    "open_worker", "ready_model", "state_folder", "system_clock",
]  # fmt: skip

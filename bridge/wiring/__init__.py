"""The one place that reads settings and the environment, and names concrete classes."""

from bridge.wiring.delivery import (
    Rules,
    open_channels,
    open_dispatch,
    open_notifiers,
    open_reviewer,
    open_toolchain,
    open_waiting,
    open_watcher,
    review_lock,
)
from bridge.wiring.demo_engine import Choice, choose_engine
from bridge.wiring.embedded import models_folder, open_hub
from bridge.wiring.engine_tables import add_engine, engine_facts
from bridge.wiring.engines import (
    ENGINES,
    engine_address,
    engine_settings,
    ollama_url,
    open_engine,
    open_relay,
    open_worker,
    slot_files,
)
from bridge.wiring.keys import gateway_token, new_gateway_token
from bridge.wiring.models import fit_warning, model_states, model_uses, open_models, served_settings
from bridge.wiring.named_engine import named_engine
from bridge.wiring.queue import loaded_settings, locate, open_queue, set_setting, settings_in
from bridge.wiring.ready_engine import prepared_engine, ready_models
from bridge.wiring.routing import domains_of, explain, is_routed, open_switches, open_targets, targets_of, usage_facts
from bridge.wiring.settings import EngineKind, EngineSettings, GatewaySettings, LoadedSettings, Settings
from bridge.wiring.site import Opened, journal_file, state_folder, system_clock

__all__ = [
    "ENGINES", "Choice", "EngineKind", "EngineSettings", "GatewaySettings", "LoadedSettings", "Opened", "Rules",
    "Settings", "add_engine", "choose_engine", "domains_of", "engine_address", "engine_facts", "engine_settings",
    "explain", "fit_warning", "gateway_token", "is_routed", "journal_file", "loaded_settings", "locate",
    "model_states", "model_uses", "models_folder", "named_engine", "new_gateway_token", "ollama_url",
    "open_channels", "open_dispatch", "open_engine", "open_hub", "open_models", "open_notifiers", "open_queue", "open_relay",
    "open_reviewer", "open_switches", "open_targets", "open_toolchain", "open_waiting", "open_watcher",
    "open_worker", "prepared_engine", "ready_models", "review_lock", "served_settings", "set_setting",
    "settings_in", "slot_files", "state_folder", "system_clock", "targets_of", "usage_facts",
]  # fmt: skip

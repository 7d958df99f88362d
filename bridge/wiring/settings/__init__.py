"""Settings: what `bridge.toml`, the environment and the command line may say, read once. Only wiring reads them."""

from bridge.wiring.settings.loaded import LoadedSettings, Mistake, Origin, SettingFact
from bridge.wiring.settings.place import DriveAddress, FoundQueue, drive_address, find_queue
from bridge.wiring.settings.reader import FILE, find_file, load, load_text
from bridge.wiring.settings.values import (
    ContextSettings,
    DomainSettings,
    EngineKind,
    EngineSettings,
    GatewaySettings,
    Price,
    RouterSettings,
    Settings,
    TrustSettings,
    declared,
    variables_of,
)

__all__ = [
    "FILE", "ContextSettings", "DomainSettings", "DriveAddress", "EngineKind", "EngineSettings", "FoundQueue",
    "GatewaySettings", "LoadedSettings", "Mistake", "Origin", "Price", "RouterSettings", "SettingFact", "Settings",
    "TrustSettings", "declared", "drive_address", "find_file", "find_queue", "load", "load_text", "variables_of",
]  # fmt: skip

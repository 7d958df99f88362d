"""What a service is, and what a manager of services does: the values and the Protocol of this family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol


class ServiceRole(Enum):
    """What runs as a service."""

    SERVE = "serve"  # the gateway
    WORK = "work"  # a worker on a queue

    @property
    def about(self) -> str:
        """For lists of services of the system."""
        return "Qwen Bridge: gateway" if self is ServiceRole.SERVE else "Qwen Bridge: worker"


class ManagerKind(Enum):
    """Who keeps a service alive."""

    SYSTEMD = "systemd"  # a user unit (Linux)
    LAUNCHD = "launchd"  # an agent (macOS)
    WINDOWS = "windows"  # a scheduled task
    DETACHED = "detached"  # a process of our own, where nothing else is there


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """A service as it was installed. Holds no secret: those stand in `variables_file`, or in the system's keyring."""

    role: ServiceRole
    manager: ManagerKind
    home: Path  #: folder of all service files in the local state
    folder: Path  #: where the command runs: its bridge.toml and relative paths are found from here
    python: str
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str | None = None  #: of the options of serve; None: as the settings say
    port: int | None = None
    log_bytes: int = 5_000_000  #: of one log file, before the next one is begun

    @property
    def name(self) -> str:
        """Of the unit, agent or task."""
        return f"qwen-bridge-{self.role.value}"

    @property
    def command(self) -> tuple[str, ...]:
        """What runs. `-P`: a folder called bridge in `folder` is not taken for this package."""
        return (self.python, "-P", "-m", "bridge", *self.arguments)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of `bridge`."""
        return (self.role.value, *self.options)

    @property
    def keeper_command(self) -> tuple[str, ...]:
        """What runs it where the system does not restart it or keeps no log."""
        return (self.python, "-P", "-m", "bridge.setup.service.keeper", str(self.file("json")))

    def file(self, ending: str) -> Path:
        """One of its files in `home`: `json` itself, `pid`, `lock`, `state`, `stop`, `log`, `env`."""
        return self.home / f"{self.role.value}.{ending}"

    @property
    def variables_file(self) -> Path:
        """Lines `NAME=value` for variables that are secret. The user writes it; it is only read."""
        return self.file("env")


@dataclass(frozen=True, kw_only=True)
class ServiceFile:
    """A file that installing writes."""

    path: Path
    data: bytes

    @property
    def text(self) -> str:
        """As people read it."""
        return self.data.decode("utf-16" if self.data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8")


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """How a service is."""

    running: bool
    pid: int | None = None
    restarts: int = 0  #: since it was started
    last_exit: int | None = None  #: exit code of the run before, negative: a signal; None: there was none
    detail: str = ""


class ServiceManager(Protocol):
    """Keeps services alive. What it does is done again without harm."""

    kind: ManagerKind

    def files(self, spec: ServiceSpec) -> tuple[ServiceFile, ...]:
        """What `install` writes; touches nothing."""

    def install(self, spec: ServiceSpec) -> None:
        """Write the files and make them known; starts nothing. Raises ServiceFailed."""

    def start(self, spec: ServiceSpec) -> None:
        """Have one process of it; it may need longer to be ready. Raises ServiceFailed."""

    def stop(self, spec: ServiceSpec) -> None:
        """Have none. Raises ServiceFailed."""

    def status(self, spec: ServiceSpec) -> ServiceStatus:
        """How it is. Raises ServiceFailed."""

    def logs(self, spec: ServiceSpec, lines: int) -> str:
        """The last lines that it wrote. Raises ServiceFailed."""

    def uninstall(self, spec: ServiceSpec) -> None:
        """Stop it and take back what `install` did. Raises ServiceFailed."""

    def remarks(self, spec: ServiceSpec) -> tuple[str, ...]:
        """What a person should know, such as that it ends when they log out."""

"""What `bridge service` does: install, start until it answers, stop, tell how it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge import wiring
from bridge.core.errors import BridgeError, ServiceFailed, UsageError
from bridge.kernel import address
from bridge.setup.service.base import ServiceFile, ServiceManager, ServiceRole, ServiceSpec, ServiceStatus
from bridge.setup.service.environment import read_variables
from bridge.setup.service.managers import open_manager
from bridge.setup.service.programs import ProgramRunner
from bridge.setup.service.spec_file import read_spec, spec_bytes, write_spec

#: How long a service may take to answer after its start, in seconds.
START_S = 90.0
#: A worker counts as started after so long without an end, in seconds: it has no address that could be asked.
SETTLED_S = 3.0
_LOOK_S = 0.25


@dataclass(frozen=True, kw_only=True)
class ServiceReport:
    """A service as `status` shows it."""

    spec: ServiceSpec | None  #: None: it is not installed
    status: ServiceStatus
    url: str | None = None  #: of a gateway; None: a worker, or any free port
    health: str = ""  #: what `/health` says; empty: nobody was asked

    def to_json(self, role: ServiceRole) -> dict[str, object]:
        """One stable object."""
        manager = self.spec.manager.value if self.spec else None
        return {
            "service": role.value, "installed": self.spec is not None, "manager": manager, **asdict(self.status),
            "url": self.url, "health": self.health or None,
        }  # fmt: skip


def services_home() -> Path:
    """The folder of all service files."""
    return wiring.state_folder() / "services"


def installed(role: ServiceRole, home: Path) -> ServiceSpec | None:
    """What is installed; None: nothing. Raises ConfigError."""
    return read_spec(home / f"{role.value}.json")


def needed(role: ServiceRole, home: Path) -> ServiceSpec:
    """The same. Raises UsageError if nothing is."""
    spec = installed(role, home)
    if spec is None:
        raise UsageError(f"the service {role.value} is not installed: `bridge service install {role.value}` does that")
    return spec


class ServiceDesk:
    """Does it with the manager that a service was installed with."""

    def __init__(
        self,
        programs: ProgramRunner,
        *,
        health_of: Callable[[str], str],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`health_of` gives what the gateway at an address says of itself, empty: it does not answer."""
        self._programs, self._health_of, self._pause = programs, health_of, pause

    def manager(self, spec: ServiceSpec) -> ServiceManager:
        """Who keeps it."""
        return open_manager(spec.manager, self._programs)

    def planned(self, spec: ServiceSpec) -> tuple[ServiceFile, ...]:
        """What `install` would write. Raises UsageError."""
        for word in (*spec.keeper_command, *spec.command, str(spec.folder), *spec.environment.values()):
            if any(ord(letter) < 32 or letter == "\x7f" for letter in word):
                raise UsageError(f"{word!r} has a control character, which a service's file cannot hold")
        return (ServiceFile(path=spec.file("json"), data=spec_bytes(spec)), *self.manager(spec).files(spec))

    def install(self, spec: ServiceSpec) -> tuple[str, ...]:
        """Install it, in place of what was installed, which is stopped; gives what a person should know. Raises ServiceFailed."""
        self.planned(spec)
        before = installed(spec.role, spec.home)
        if before is not None:
            self.manager(before).uninstall(before)
        try:
            write_spec(spec)
            self.manager(spec).install(spec)
        except OSError as error:
            raise ServiceFailed(f"cannot write {error.filename}: {error.strerror}") from error
        except ServiceFailed:
            spec.file("json").unlink(missing_ok=True)
            raise
        return self.manager(spec).remarks(spec)

    def start(self, spec: ServiceSpec) -> ServiceReport:
        """Start it, and wait until it answers. Raises ServiceFailed, with its last words, if it ends instead."""
        manager, before = self.manager(spec), self.report(spec)
        if before.status.running:
            return before
        if before.url and self._health_of(before.url):
            raise ServiceFailed(
                f"another gateway answers at {before.url} already: stop it, or install with `-- --port N`"
            )
        manager.start(spec)
        waited_s = 0.0
        while waited_s < START_S:
            report = self.report(spec)
            status = report.status
            if status.restarts or (status.last_exit is not None and not status.running):
                raise ServiceFailed(
                    f"{spec.name} ended with code {status.last_exit}; it said:\n{manager.logs(spec, 10).rstrip()}"
                )
            if status.running and (report.health or (report.url is None and waited_s >= SETTLED_S)):
                return report
            self._pause(_LOOK_S)
            waited_s += _LOOK_S
        raise ServiceFailed(
            f"{spec.name} runs, but did not answer within {START_S:.0f} s: `bridge service logs` says more"
        )

    def stop(self, spec: ServiceSpec) -> None:
        """Have it end. Raises ServiceFailed."""
        self.manager(spec).stop(spec)

    def uninstall(self, spec: ServiceSpec) -> None:
        """Stop it and take it away, but for its log. Raises ServiceFailed."""
        self.manager(spec).uninstall(spec)
        spec.file("json").unlink(missing_ok=True)

    def logs(self, spec: ServiceSpec, lines: int) -> str:
        """What it said last. Raises ServiceFailed."""
        return self.manager(spec).logs(spec, lines)

    def report(self, spec: ServiceSpec) -> ServiceReport:
        """How it is. Raises ServiceFailed."""
        status = self.manager(spec).status(spec)
        url = gateway_url(spec)
        health = self._health_of(url) if url and status.running else ""
        return ServiceReport(spec=spec, status=status, url=url, health=health)


def gateway_url(spec: ServiceSpec) -> str | None:
    """Where a gateway listens, as its options and the settings of its folder say now; None: nobody can tell."""
    if spec.role is not ServiceRole.SERVE or spec.port == 0:
        return None
    try:
        environ = {**spec.environment, **read_variables(spec.variables_file)}
        settings = wiring.settings_in(spec.folder, environ).settings.gateway
    except BridgeError:
        return None
    return url_of(spec.host or settings.host, spec.port or settings.port)


def url_of(host: str, port: int) -> str:
    """The URL of a gateway that listens there; one that listens everywhere is reached here."""
    return address.ollama_url(f"http://{f'[{host}]' if ':' in host else host}:{port}")

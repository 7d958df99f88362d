"""launchd's agents (macOS): launchd.plist(5), launchctl(1). Our keeper writes the log, which launchd would not rotate."""

from __future__ import annotations

import os
import plistlib
from pathlib import Path

from bridge.core import files
from bridge.core.errors import ServiceFailed
from bridge.setup.service.base import ManagerKind, ServiceFile, ServiceSpec, ServiceStatus
from bridge.setup.service.kept import end_kept, forget, kept_logs, kept_status
from bridge.setup.service.programs import ProgramRunner, must


def label(spec: ServiceSpec) -> str:
    """How launchd calls it."""
    return f"dev.qwen-bridge.{spec.role.value}"


def plist(spec: ServiceSpec) -> bytes:
    """The agent's file."""
    early = str(spec.file("launchd.log"))  # what is said before the keeper has its own log
    return plistlib.dumps(
        {
            "Label": label(spec),
            "ProgramArguments": list(spec.keeper_command),
            "WorkingDirectory": str(spec.folder),
            "EnvironmentVariables": dict(spec.environment),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 10,
            "ProcessType": "Background",
            "StandardOutPath": early,
            "StandardErrorPath": early,
        }
    )


class LaunchdAgents:
    """Agents of this user."""

    kind = ManagerKind.LAUNCHD

    def __init__(self, programs: ProgramRunner, *, user: int | None = None, library: Path | None = None) -> None:
        """`user`: id, by default ours; `library`: the user's folder of that name."""
        self._programs = programs
        self._domain = f"gui/{os.getuid() if user is None else user}"
        self._agents = (library or Path.home() / "Library") / "LaunchAgents"

    def files(self, spec: ServiceSpec) -> tuple[ServiceFile, ...]:
        """See `ServiceManager.files`."""
        return (ServiceFile(path=self._agents / f"{label(spec)}.plist", data=plist(spec)),)

    def install(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.install`; it starts at login from then on."""
        for file in self.files(spec):
            file.path.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(file.path, file.data, mode=0o600)

    def start(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.start`."""
        if self._is_loaded(spec):
            self._ask("kickstart", f"{self._domain}/{label(spec)}")
            return
        self._ask("enable", f"{self._domain}/{label(spec)}")
        self._ask("bootstrap", self._domain, str(self.files(spec)[0].path))

    def stop(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.stop`. It starts again at the next login."""
        if self._is_loaded(spec):
            self._ask("bootout", f"{self._domain}/{label(spec)}")
        end_kept(spec)

    def status(self, spec: ServiceSpec) -> ServiceStatus:
        """See `ServiceManager.status`."""
        return kept_status(spec)

    def logs(self, spec: ServiceSpec, lines: int) -> str:
        """See `ServiceManager.logs`."""
        return kept_logs(spec, lines)

    def uninstall(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.uninstall`."""
        self.stop(spec)
        for file in self.files(spec):
            file.path.unlink(missing_ok=True)
        forget(spec)

    def remarks(self, _spec: ServiceSpec) -> tuple[str, ...]:
        """See `ServiceManager.remarks`."""
        return ("it runs while you are logged in",)

    def _is_loaded(self, spec: ServiceSpec) -> bool:
        return self._programs.run("launchctl", "print", f"{self._domain}/{label(spec)}").code == 0

    def _ask(self, *words: str) -> str:
        argv = ("launchctl", *words)
        try:
            return must(self._programs.run(*argv), argv)
        except ServiceFailed as error:
            raise ServiceFailed(f"{error}; launchd needs a session with a desktop (not ssh alone)") from None

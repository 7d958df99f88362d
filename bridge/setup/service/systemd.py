"""systemd's user units (Linux). Units are written as systemd.syntax(7) and systemd.service(5) say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bridge.core import files
from bridge.core.errors import ServiceFailed
from bridge.setup.service.base import ManagerKind, ServiceFile, ServiceSpec, ServiceStatus
from bridge.setup.service.programs import ProgramRunner, must

_UNIT = """\
[Unit]
Description={about}
StartLimitIntervalSec=0

[Service]
Type=exec
WorkingDirectory={folder}
{environment}EnvironmentFile=-{variables}
ExecStart={command}
Restart=on-failure
RestartSec=2
# Wrong options or settings: another try would not change them.
RestartPreventExitStatus=2
KillMode=mixed
TimeoutStopSec=30
UMask=0077

[Install]
WantedBy=default.target
"""
_ASKED = ("ActiveState", "SubState", "MainPID", "NRestarts", "ExecMainCode", "ExecMainStatus")


def unit_text(spec: ServiceSpec) -> str:
    """The unit of a service."""
    lines = (f"Environment={_quoted(f'{name}={value}')}\n" for name, value in sorted(spec.environment.items()))
    return _UNIT.format(
        about=spec.role.about,
        folder=_percent(str(spec.folder)),
        environment="".join(lines),
        variables=_percent(str(spec.variables_file)),
        command=" ".join(_quoted(word).replace("$", "$$") for word in spec.command),
    )


def _percent(text: str) -> str:
    """`%` begins a specifier everywhere in a unit."""
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    return '"' + _percent(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


class SystemdUnits:
    """Units of this user's systemd."""

    kind = ManagerKind.SYSTEMD

    def __init__(self, programs: ProgramRunner, *, environ: Mapping[str, str] = os.environ) -> None:
        """Touches nothing yet."""
        self._programs, self._environ = programs, environ

    def files(self, spec: ServiceSpec) -> tuple[ServiceFile, ...]:
        """See `ServiceManager.files`."""
        config = Path(self._environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return (ServiceFile(path=config / "systemd/user" / f"{spec.name}.service", data=unit_text(spec).encode()),)

    def install(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.install`; it starts at login from then on."""
        for file in self.files(spec):
            file.path.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(file.path, file.data, mode=0o600)
        self._ask("daemon-reload")
        self._ask("enable", f"{spec.name}.service")

    def start(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.start`."""
        self._ask("start", f"{spec.name}.service")

    def stop(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.stop`."""
        self._ask("stop", f"{spec.name}.service")

    def status(self, spec: ServiceSpec) -> ServiceStatus:
        """See `ServiceManager.status`."""
        told = self._ask("show", f"{spec.name}.service", "--property", ",".join(_ASKED))
        facts = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        active, pid = facts.get("ActiveState", "unknown"), _number(facts.get("MainPID"))
        killed = facts.get("ExecMainCode") in {"2", "3"}  # CLD_KILLED, CLD_DUMPED
        code = _number(facts.get("ExecMainStatus"))
        ended = active in {"failed", "activating"} and facts.get("ExecMainCode", "0") != "0"
        return ServiceStatus(
            running=active == "active",
            pid=pid or None,
            restarts=_number(facts.get("NRestarts")),
            last_exit=(-code if killed else code) if ended else None,
            detail=f"{active} ({facts.get('SubState', 'unknown')})",
        )

    def logs(self, spec: ServiceSpec, lines: int) -> str:
        """See `ServiceManager.logs`."""
        argv = (
            "journalctl",
            "--user",
            "--unit",
            f"{spec.name}.service",
            "--lines",
            str(lines),
            "--no-pager",
            "--quiet",
        )
        return must(self._programs.run(*argv), argv)

    def uninstall(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.uninstall`. The files go even where systemd does not answer."""
        if not any(file.path.exists() for file in self.files(spec)):
            return
        try:
            self._ask("disable", "--now", f"{spec.name}.service")
        finally:
            for file in self.files(spec):
                file.path.unlink(missing_ok=True)
        self._ask("daemon-reload")

    def remarks(self, _spec: ServiceSpec) -> tuple[str, ...]:
        """See `ServiceManager.remarks`."""
        user = self._environ.get("USER") or self._environ.get("LOGNAME") or str(os.getuid())
        told = self._programs.run("loginctl", "show-user", user, "--property=Linger", "--value")
        if told.out.strip() == "yes":
            return ()
        known = "linger is off" if told.out.strip() == "no" else "it cannot be told whether linger is on"
        return (f"{known}: without it the service ends when you log out; `loginctl enable-linger {user}` turns it on",)

    def _ask(self, *words: str) -> str:
        argv = ("systemctl", "--user", *words)
        return must(self._programs.run(*argv), argv)


def has_user_bus(programs: ProgramRunner) -> bool:
    """Whether this user's systemd answers."""
    return programs.run("systemctl", "--user", "show-environment").code == 0


def _number(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise ServiceFailed(f"systemctl gave {text!r} where a number was expected") from None

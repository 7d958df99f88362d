"""Windows' scheduled tasks: a task given to schtasks as a file of XML (its schema: learn.microsoft.com, "Task Scheduler Schema").

Tasks have no environment and keep no output, so our keeper runs the command; whether it runs is told by the keeper's lock, because
schtasks says it in the language of the system.
"""

from __future__ import annotations

import subprocess
from pathlib import PureWindowsPath
from xml.sax.saxutils import escape

from bridge.core import files
from bridge.setup.service.base import ManagerKind, ServiceFile, ServiceSpec, ServiceStatus
from bridge.setup.service.kept import end_kept, forget, kept_logs, kept_status
from bridge.setup.service.programs import ProgramRunner, must

_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>{about}</Description></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled>{user}</LogonTrigger></Triggers>
  <Principals>
    <Principal id="Author"><LogonType>InteractiveToken</LogonType><RunLevel>LeastPrivilege</RunLevel></Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>255</Count></RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""


def task_xml(spec: ServiceSpec, *, user: str = "") -> bytes:
    """The task of a service, in UTF-16 as schtasks wants it. `user`: at whose logon it starts; empty: anybody's."""
    program, *arguments = spec.keeper_command
    if PureWindowsPath(program).name.lower() == "python.exe":
        program = str(PureWindowsPath(program).with_name("pythonw.exe"))  # it opens no window
    text = _TASK.format(
        about=escape(spec.role.about),
        user=f"<UserId>{escape(user)}</UserId>" if user else "",
        program=escape(program),
        arguments=escape(subprocess.list2cmdline(arguments)),
        folder=escape(str(spec.folder)),
    )
    return text.replace("\n", "\r\n").encode("utf-16")


class WindowsTasks:
    """Tasks of this user."""

    kind = ManagerKind.WINDOWS

    def __init__(self, programs: ProgramRunner, *, user: str = "") -> None:
        """`user`: as `DOMAIN\\name`, at whose logon tasks start."""
        self._programs, self._user = programs, user

    def files(self, spec: ServiceSpec) -> tuple[ServiceFile, ...]:
        """See `ServiceManager.files`."""
        return (ServiceFile(path=spec.file("task.xml"), data=task_xml(spec, user=self._user)),)

    def install(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.install`; it starts at logon from then on."""
        [file] = self.files(spec)
        files.keep_private(spec.home)
        files.write_atomically(file.path, file.data, mode=0o600)
        self._ask("/Create", "/TN", spec.name, "/XML", str(file.path), "/F")

    def start(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.start`."""
        self._ask("/Run", "/TN", spec.name)

    def stop(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.stop`."""
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
        self._ask("/Delete", "/TN", spec.name, "/F")
        spec.file("task.xml").unlink(missing_ok=True)
        forget(spec)

    def remarks(self, _spec: ServiceSpec) -> tuple[str, ...]:
        """See `ServiceManager.remarks`."""
        return ("it runs while you are logged in",)

    def _ask(self, *words: str) -> str:
        argv = ("schtasks", *words)
        return must(self._programs.run(*argv), argv)

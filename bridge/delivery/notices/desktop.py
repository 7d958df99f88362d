"""A notice on the desktop of this machine, by the program that each system has for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.delivery.notices.base import Notice
from bridge.delivery.outside import run_program

#: PowerShell has no command for it: a balloon of the notification area, with what stands in the environment.
_BALLOON = (
    "Add-Type -AssemblyName System.Windows.Forms, System.Drawing; $n = New-Object System.Windows.Forms.NotifyIcon; "
    "$n.Icon = [System.Drawing.SystemIcons]::Information; $n.Visible = $true; "
    "$n.ShowBalloonTip(10000, $env:BRIDGE_NOTICE_TITLE, $env:BRIDGE_NOTICE_TEXT, 'Info'); Start-Sleep 8; $n.Dispose()"
)
#: The texts are arguments of the script: nothing in them is read as AppleScript.
_SCRIPT = (
    "-e", "on run argv", "-e", "display notification (item 2 of argv) with title (item 1 of argv)", "-e", "end run",
)  # fmt: skip
#: Where a session of Linux or BSD has a desktop.
_DESKTOPS = ("WAYLAND_DISPLAY", "DISPLAY")


@dataclass(frozen=True, kw_only=True)
class DesktopNotice:
    """The program, and what it takes before title and text."""

    argv: Sequence[str]
    by_environment: bool = False  #: it takes neither as an argument
    timeout_s: float = 30.0

    @property
    def name(self) -> str:
        """See Notifier."""
        return self.argv[0]

    def tell(self, notice: Notice) -> None:
        """See Notifier."""
        argv = [*self.argv] if self.by_environment else [*self.argv, notice.title, notice.text]
        environ = {"BRIDGE_NOTICE_TITLE": notice.title, "BRIDGE_NOTICE_TEXT": notice.text}
        run_program(argv, b"", environ, timeout_s=self.timeout_s, about="the notice")


def desktop_here(platform: str, which: Callable[[str], str | None], environ: Mapping[str, str]) -> DesktopNotice | str:
    """The desktop's program; or why there is none, as a text. `platform`: as `sys.platform` says it."""
    if platform == "darwin":
        return DesktopNotice(argv=("osascript", *_SCRIPT)) if which("osascript") else "osascript is not there"
    if platform == "win32":
        argv = ("powershell", "-NoProfile", "-NonInteractive", "-Command", _BALLOON)
        return DesktopNotice(argv=argv, by_environment=True) if which("powershell") else "powershell is not there"
    if not any(environ.get(name) for name in _DESKTOPS):
        return "this session has no desktop"
    found = which("notify-send")
    return (
        DesktopNotice(argv=("notify-send", "--app-name=Qwen Bridge", "--")) if found else "notify-send is not installed"
    )

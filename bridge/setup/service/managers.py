"""Which manager keeps services on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from bridge.setup.service.base import ManagerKind, ServiceManager
from bridge.setup.service.detached import DetachedProcesses
from bridge.setup.service.launchd import LaunchdAgents
from bridge.setup.service.programs import NOT_THERE, ProgramRunner
from bridge.setup.service.systemd import SystemdUnits, has_user_bus
from bridge.setup.service.windows_task import WindowsTasks


def choose_manager(programs: ProgramRunner, *, platform: str = sys.platform) -> tuple[ManagerKind, str]:
    """The one that this system has, and in words why it is none of the system's own; empty: it is."""
    if platform == "darwin":
        return ManagerKind.LAUNCHD, ""
    if platform == "win32":
        return ManagerKind.WINDOWS, ""
    if has_user_bus(programs):
        return ManagerKind.SYSTEMD, ""
    there = programs.run("systemctl", "--version").code != NOT_THERE
    why = "systemd has no user session here" if there else "there is no systemd here"
    return ManagerKind.DETACHED, why


def open_manager(
    kind: ManagerKind, programs: ProgramRunner, *, environ: Mapping[str, str] = os.environ
) -> ServiceManager:
    """The manager of a kind, whatever system this is; contacts nothing yet."""
    if kind is ManagerKind.SYSTEMD:
        return SystemdUnits(programs, environ=environ)
    if kind is ManagerKind.LAUNCHD:
        return LaunchdAgents(programs, user=None if hasattr(os, "getuid") else 0)
    if kind is ManagerKind.WINDOWS:
        domain, name = environ.get("USERDOMAIN", ""), environ.get("USERNAME", "")
        return WindowsTasks(programs, user=f"{domain}\\{name}" if domain and name else name)
    return DetachedProcesses()

"""A process of our own, detached from the terminal: where there is no manager of services, as in a container or over ssh."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

from bridge.core import files
from bridge.core.errors import ServiceFailed
from bridge.setup.service.base import ManagerKind, ServiceFile, ServiceSpec, ServiceStatus
from bridge.setup.service.environment import without_ours
from bridge.setup.service.kept import end_kept, forget, is_kept, kept_logs, kept_status, read_state

#: How long a keeper may need to show up, in seconds.
_BEGIN_S = 30.0
_LOOK_S = 0.1
#: Windows: it outlives the console that started it.
_NO_CONSOLE = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


class DetachedProcesses:
    """Keepers that this user started."""

    kind = ManagerKind.DETACHED

    def __init__(self, *, pause: Callable[[float], None] = time.sleep) -> None:
        """`pause`: how one waits."""
        self._pause = pause

    def files(self, _spec: ServiceSpec) -> tuple[ServiceFile, ...]:
        """None but the description that every service has."""
        return ()

    def install(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.install`."""
        files.keep_private(spec.home)

    def start(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.start`. Two at once start one: the other finds its lock."""
        if is_kept(spec):
            return
        spec.file("state").unlink(missing_ok=True)
        with spec.file("log").open("ab") as log:  # for what it says before it has opened the log itself
            keeper = subprocess.Popen(  # noqa: S603  # our own module
                spec.keeper_command, cwd=spec.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, creationflags=_NO_CONSOLE, env=without_ours(os.environ),
            )  # fmt: skip
        for _ in range(int(_BEGIN_S / _LOOK_S)):
            if read_state(spec) is not None:
                return
            if keeper.poll() is not None and not is_kept(spec):
                break
            self._pause(_LOOK_S)
        raise ServiceFailed(f"{spec.name} did not start: {kept_logs(spec, 5).strip() or 'it said nothing'}")

    def stop(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.stop`."""
        end_kept(spec, pause=self._pause)

    def status(self, spec: ServiceSpec) -> ServiceStatus:
        """See `ServiceManager.status`."""
        return kept_status(spec)

    def logs(self, spec: ServiceSpec, lines: int) -> str:
        """See `ServiceManager.logs`."""
        return kept_logs(spec, lines)

    def uninstall(self, spec: ServiceSpec) -> None:
        """See `ServiceManager.uninstall`."""
        self.stop(spec)
        forget(spec)

    def remarks(self, _spec: ServiceSpec) -> tuple[str, ...]:
        """See `ServiceManager.remarks`."""
        return ("it does not start by itself after a reboot: `bridge service start` does that",)

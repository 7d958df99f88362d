"""JupyterLab in Chromium: notebooks are opened in it as trusted, and their page is asked what became of them. Loopback only."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import requests
import websocket
from nbformat.sign import NotebookNotary

from tests.support import browser

#: Every cell is drawn at once, however many outputs it has: by default only what is in sight.
_SETTINGS = {
    "notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none", "maxNumberOutputs": 1000},
    "apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false", "checkForUpdates": False},
}
_SERVER = """
import sys
from jupyterlab.labapp import LabApp
LabApp.launch_instance(sys.argv[1:])
"""


#: The page was loaded, and the notebook in it.
_OPENED = """(async () => {
  const later = () => new Promise(done => setTimeout(done, 50));
  while (!(window.jupyterapp && window.jupyterapp.shell)) await later();
  await jupyterapp.restored;
  const there = () => [...jupyterapp.shell.widgets("main")].find(w => w.context && w.context.path === "NAME");
  while (!there()) await later();
  while (jupyterapp.shell.currentWidget !== there()) { jupyterapp.shell.activateById(there().id); await later(); }
  await there().context.ready;
  await there().sessionContext.ready;
  while (!there().sessionContext.session?.kernel) await later();
  await there().sessionContext.session.kernel.info;
  return 0;
})()"""
_UNTIL = """(async () => {
  for (;;) {
    const widget = jupyterapp.shell.currentWidget;
    const book = widget.content.model.toJSON();
    const found = CONDITION;
    if (found) return found;
    await new Promise(done => setTimeout(done, 50));
  }
})()"""


class Lab:
    """A server and a page that shows one of its notebooks at a time."""

    def __init__(self, folder: Path, url: str, page: websocket.WebSocket) -> None:
        self._folder = folder
        self._url = url
        self._page = page
        self._calls = 0

    def show(self, book: dict[str, Any], name: str) -> None:
        """Open a notebook whose outputs a kernel of this user is said to have made."""
        path = self._folder / "room" / name
        path.parent.mkdir(exist_ok=True)
        node = nbformat.from_dict(book)
        nbformat.write(node, path)
        NotebookNotary(data_dir=str(self._folder / "data")).sign(nbformat.read(path, as_version=4))
        self._call("Page.navigate", url=f"{self._url}/lab/tree/{name}?reset")

    def open(self, path: Path) -> None:
        """Open a notebook as it stands in the folder `room`, and wait until it is drawn and its kernel is there."""
        self._call("Emulation.setFocusEmulationEnabled", enabled=True)  # or no notebook ever becomes the current one
        self._call("Page.navigate", url=f"{self._url}/lab/tree/{path.name}?reset")
        self.ask(_OPENED.replace("NAME", path.name))

    def run(self, command: str) -> None:
        """Begin one of JupyterLab's commands; returns at once."""
        self.ask(f"void jupyterapp.commands.execute('{command}'); 0")

    def until(self, condition: str) -> Any:
        """Wait until an expression over `book` (the notebook's model as JSON) and `widget` is true; gives its value."""
        return self.ask(_UNTIL.replace("CONDITION", condition))

    def ask(self, script: str) -> Any:
        """What a promise in the page gives."""
        done = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._calls += 1
        self._page.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            reply = json.loads(self._page.recv())
            if reply.get("id") == self._calls:
                assert "error" not in reply, reply
                result: dict[str, Any] = reply["result"]
                return result


@contextmanager
def jupyter_lab(folder: Path, **environ: str) -> Iterator[Lab]:
    """JupyterLab with settings of its own, and a page; skips where there is no Chromium. `environ`: of its kernels, too."""
    program = browser.needed()
    for name, settings in _SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    for name in ("room", "data", "runtime", "config"):
        (folder / name).mkdir()
    own = {f"JUPYTER_{name.upper()}_DIR": str(folder / name) for name in ("data", "runtime", "config")}
    flags = [
        "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder / 'room'}",
        "--LabApp.expose_app_in_browser=True", f"--LabApp.user_settings_dir={folder / 'settings'}", f"--LabApp.workspaces_dir={folder / 'workspaces'}",
    ]  # fmt: skip
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        _started([sys.executable, "-c", _SERVER, *flags], rb"(http://127\.0\.0\.1:\d+)/lab", {**os.environ, **own, **environ}, folder) as url,
        _started(
            [program, *browser.FLAGS, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
            rb"ws://(127\.0\.0\.1:\d+)/devtools", dict(os.environ), folder,
        ) as tools,
    ):  # fmt: skip
        [page] = [p for p in requests.get(f"http://{tools}/json/list", timeout=60).json() if p["type"] == "page"]
        socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=90, suppress_origin=True)
        try:
            yield Lab(folder, url, socket)
        finally:
            socket.close()


@contextmanager
def _started(command: list[str], ready: bytes, environ: dict[str, str], folder: Path) -> Iterator[str]:
    """A program of ours while it is needed; what it says of its address."""
    process = subprocess.Popen(
        command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    told = b""
    log: Any = None
    try:
        while not (found := re.search(ready, told)):
            line = process.stderr.readline()
            assert line, f"{command[0]} did not start: {told.decode(errors='replace')[-2000:]}"
            told += line
        log = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)  # or its pipe fills up
        yield found[1].decode()
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()
        if log is not None:
            log.wait()

"""`python -m tests.clients.fallback codex claude`: real agents before a provider at its limit, stopped, and started afresh.

The first start ends in the queue; a worker's answer is put there; the second start must get it at once, without another job for the
same request, and without asking the provider again. Settings are those of `bridge route setup`. Needs what `make clients` installs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bridge import Bridge
from bridge.gateway.routing import RoutingRules
from bridge.setup import agent_files
from bridge.setup.agents import GatewayAddress
from tests.clients.install import NPM_BIN
from tests.gateway.routes_to import Routed, routed
from tests.support.patience import until

TASK = "Fix the typo in greeting.py"
ANSWER = "The typo is mended: it says hello now."
#: {agent: its command}
COMMANDS = {
    "codex": ("codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", TASK),
    "claude": ("claude", "-p", TASK),
}


def started(agent: str, folder: Path) -> subprocess.Popen[str]:
    """The agent in a project, as a person starts it."""
    project = folder / "project"
    project.mkdir(exist_ok=True)
    (project / "greeting.py").write_text("print('helo')\n")
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    program, *words = COMMANDS[agent]
    return subprocess.Popen(
        [str(NPM_BIN / program), *words], env=env, cwd=project, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def story(agent: str, folder: Path, made: Routed) -> str:
    """What went wrong; empty: nothing."""
    made.first.broken = (429, {"Retry-After": "900"}, "{}")
    agent_files.write(agent, GatewayAddress(url=made.url), home=folder, records=folder / "records")
    first = started(agent, folder)
    until(lambda: len(made.jobs("queued")) == 1)
    os.killpg(first.pid, signal.SIGTERM)
    first.communicate()
    [job] = made.jobs()
    with Bridge(str(made.queue)) as queue:
        queue.answer(job, ANSWER)
    began_s = time.monotonic()
    said, _ = started(agent, folder).communicate(timeout=120)
    print(f"{agent}: the second start took {time.monotonic() - began_s:.1f} s")
    if ANSWER not in said:
        return f"the answer did not come: {said[-500:]}"
    if made.jobs() != [job]:
        return f"the same request became another job: {made.jobs()}"
    return "" if len(made.first.requests) == 1 else "the provider was asked again"


def main() -> int:
    """Each agent that is named."""
    wrong = 0
    for agent in sys.argv[1:] or COMMANDS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            os.environ["BRIDGE_STATE_DIR"] = str(folder / "state")  # nothing of earlier runs
            with routed(folder, "first", "queue", rules=RoutingRules(queue_tools=True)) as made:
                problem = story(agent, folder, made)
        print(f"{agent}: {problem or 'well'}")
        wrong += bool(problem)
    return wrong


if __name__ == "__main__":
    sys.exit(main())

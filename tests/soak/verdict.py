"""At the end: is every promise kept, does everybody know the same, and what did it cost?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.kernel.display import from_display
from bridge.transports.conflict_copies import twin_of
from tests.soak.scenario import AGENTS, VICTIMS, Scenario
from tests.support.queues import ids_in, jobs_on_disk

#: Where a job may come to rest: it was answered, checked and handed over.
DONE = {"delivered", "archived"}
#: What everybody must say alike of a job. `state` and `verdict` are of the journal that checked.
ALIKE = ("prompt", "answer", "attempt", "finish_reason", "error", "key", "caller", "parent", "cancelled_by")


@dataclass(kw_only=True)
class Verdict:
    """What was found wrong, and what was counted."""

    wrong: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return not self.wrong

    def check(self, so: bool, otherwise: str) -> None:
        if not so:
            self.wrong.append(otherwise)

    def to_json(self) -> dict[str, Any]:
        return {"good": self.good, "wrong": self.wrong, **self.figures}


def judge(scenario: Scenario, *, rounds: int, minutes: float) -> Verdict:
    """Look at everything. `rounds`: that it took to come to rest, 0: it did not."""
    verdict = Verdict()
    verdict.check(rounds > 0, "it never came to rest")
    known = {machine: scenario.job_dump(machine) for machine in "abd"}
    promised = scenario.promised()
    _jobs(verdict, promised, known)
    _delivered(verdict, scenario, known["a"])
    _notebooks(verdict, scenario, set(known["a"]))
    _processes(verdict, scenario)
    report = scenario.drive.admin("GET", "report")
    verdict.check(not report["violations"], f"requests that Google would not understand: {report['violations'][:3]}")
    verdict.figures = _figures(scenario, promised, known["a"], report) | {
        "minutes": round(minutes, 1),
        "rounds": rounds,
    }
    return verdict


def _jobs(verdict: Verdict, promised: dict[str, str], known: dict[str, dict[str, dict[str, Any]]]) -> None:
    lost = set(promised.values()) - known["a"].keys()
    verdict.check(not lost, f"lost: {sorted(lost)[:5]} and {max(0, len(lost) - 5)} more")
    doubled = len(promised) - len(set(promised.values()))
    verdict.check(not doubled, f"{doubled} keys share a job")
    for machine in "bd":
        differ = known["a"].keys() ^ known[machine].keys()
        verdict.check(not differ, f"A and {machine.upper()} do not know the same jobs: {sorted(differ)[:5]}")
    invented = [
        job for job, told in known["a"].items()
        if job not in promised.values() and told["parent"] not in known["a"]
    ]  # fmt: skip
    verdict.check(not invented, f"nobody added {invented[:5]}")
    keys = Counter(told["key"] for told in known["a"].values() if told["key"] and not told["parent"])
    twice = [key for key, n in keys.items() if n > 1]
    verdict.check(not twice, f"added twice: {twice[:5]}")
    unanswered = [job for job, told in known["a"].items() if not told["answer"]]
    verdict.check(not unanswered, f"without an answer: {unanswered[:5]}")
    for machine in "bd":
        for job in known["a"].keys() & known[machine].keys():
            ours, theirs = known["a"][job], known[machine][job]
            odd = [name for name in ALIKE if ours[name] != theirs[name]]
            verdict.check(not odd, f"A and {machine.upper()} differ on {job} in {odd}")


def _delivered(verdict: Verdict, scenario: Scenario, known: dict[str, dict[str, Any]]) -> None:
    """Roots are handed over; the children of a repair belong to their root's answer."""
    roots = {job for job, told in known.items() if not told["parent"]}
    open_ = {job: known[job]["state"] for job in roots if known[job]["state"] not in DONE}
    verdict.check(not open_, f"not handed over: {dict(list(open_.items())[:5])}")
    folders = {folder.name for folder in scenario.outbox.iterdir()} if scenario.outbox.exists() else set()
    verdict.check(roots <= folders, f"not in the outbox: {sorted(roots - folders)[:5]}")
    verdict.check(
        not folders - known.keys(), f"in the outbox twice, or of nobody: {sorted(folders - known.keys())[:5]}"
    )
    told = Counter(line["job"] for line in _events(scenario, "watch-a") if line.get("event") == "delivered")
    verdict.check(max(told.values(), default=0) <= 1, f"handed over twice: {[j for j, n in told.items() if n > 1][:5]}")
    silent = len(roots) - len(told.keys() & roots)
    kills = scenario.processes.by_name["watch-a"].kills
    verdict.check(silent <= kills, f"{silent} jobs handed over without a word, with {kills} kills of the watcher")
    for job in roots & folders:
        payload = json.loads((scenario.outbox / job / "result.json").read_bytes())
        verdict.check(payload["job"] == job, f"the outbox has another job's result for {job}")


def _notebooks(verdict: Verdict, scenario: Scenario, jobs: set[str]) -> None:
    sides = {"A": scenario.home / "a" / "queue", "B": scenario.home / "b" / "queue", "Drive": scenario.copy_of_drive()}
    cells = {}
    for side, folder in sides.items():
        for file in sorted(folder.rglob("*.ipynb")):
            try:
                json.loads(file.read_bytes())
            except ValueError as error:
                verdict.wrong.append(f"{file.name} on {side} is no JSON: {error}")
        count = jobs_on_disk(folder)
        verdict.check(set(count) == jobs, f"{side} holds other jobs: {sorted(set(count) ^ jobs)[:5]}")
        in_use = jobs_in(folder.glob("*.ipynb"))
        twice = [job for job, n in in_use.items() if n > 1 or n < count[job]]
        verdict.check(not twice, f"twice in the notebooks of {side}: {twice[:5]}")
        left = [file.name for file in folder.glob("*.ipynb") if "(" in file.name and not _is_the_part(file)]
        verdict.check(not left, f"second copies left on {side}: {left[:5]}")
        cells[side] = _cells(folder)
    for side in ("B", "Drive"):
        odd = [job for job in cells["A"].keys() & cells[side].keys() if cells["A"][job] != cells[side][job]]
        verdict.check(not odd, f"the cells of A and {side} differ: {odd[:5]}")


def _is_the_part(file: Path) -> bool:
    """Whether a file has a number only for its client, and stands for a part that has no file of its own name."""
    part = twin_of(file.name)
    return part is not None and not file.with_name(part).exists()


def jobs_in(files: Iterable[Path]) -> Counter[str]:
    """How often each job stands in these notebooks."""
    return Counter(job for file in files for job in ids_in(json.loads(file.read_bytes())))


def _cells(folder: Path) -> dict[str, set[tuple[str, str]]]:
    """{job: source and result of each of its cells} in the notebooks in use and archived.

    Two machines may archive a job, if Drive's lists lag; then it has two cells, which must say the same. The verdict in the footer
    of an answer is each machine's own copy, so the display form counts by what it carries.
    """
    found: dict[str, set[tuple[str, str]]] = {}
    for file in [*folder.glob("*.ipynb"), *(folder / "archive").glob("*.ipynb")]:
        for cell in json.loads(file.read_bytes())["cells"]:
            for job in ids_in({"cells": [cell]}):
                outputs = json.dumps([_carried(output) for output in cell["outputs"]], sort_keys=True)
                found.setdefault(job, set()).add(("".join(cell["source"]), outputs))
    return found


def _carried(output: dict[str, Any]) -> dict[str, Any]:
    """An output with the text that its display form stands for in its place."""
    data = output.get("data", {})
    shown = {name: from_display("".join(text)) for name, text in data.items() if name == "text/markdown"}
    return {**output, "data": {**data, **shown}}


def _processes(verdict: Verdict, scenario: Scenario) -> None:
    for log in sorted(scenario.processes.logs.glob("*.err")):
        text = log.read_text(errors="replace")
        verdict.check("Traceback" not in text, f"{log.name} holds a traceback: {text[text.find('Traceback') :][:300]}")


def _events(scenario: Scenario, name: str) -> list[dict[str, Any]]:
    found = []
    for line in (
        scenario.processes.out(name).read_text(errors="replace").splitlines()
        if scenario.processes.out(name).exists()
        else ()
    ):
        try:
            found.append(json.loads(line))
        except ValueError:
            continue  # a kill cut it short
    return found


def _figures(
    scenario: Scenario, promised: dict[str, str], known: dict[str, dict[str, Any]], report: dict[str, Any]
) -> dict[str, Any]:
    bridges = ("sync-a", "watch-a", "work-f", "work-d")
    events = Counter(f"{line.get('event')}" for name in bridges for line in _events(scenario, name))
    good = {"succeeded", "truncated"}
    doubles = sum(sum(a["status"] in good for a in told["attempts"]) > 0 for told in known.values())
    client, tab = scenario.log("sync-b"), scenario.log("tab")
    calls = {name: n for name, n in report["requests"].items() if name.startswith(("files.", "changes."))}
    return {
        "jobs": len(promised),
        "repair_jobs": sum(bool(told["parent"]) for told in known.values()),
        "per_agent": {name: len(scenario.log(name).read("promised")) for name in AGENTS},
        "lost": len(set(promised.values()) - known.keys()),
        "doubles": doubles,
        "answered_by_tab": sum(
            str((told["worker"] or {}).get("id", "")).startswith("kernel-") for told in known.values()
        ),
        "retries": events["retried"],
        "conflicts_412": report["statuses"].get("412", 0),
        "restored": events["restored"],
        "archived_twice": sum(n > 1 for n in jobs_in((scenario.home / "copy" / "archive").glob("*.ipynb")).values()),
        "forks_made": len(client.read("fork")),
        "forks_folded": len(
            {
                file.name
                for side in ("a/queue", "b/queue", "copy")
                for file in (scenario.home / side / "forks").glob("*")
            }
        ),
        "overwritten": {side: sum(x["side"] == side for x in client.read("overwrote")) for side in ("drive", "here")},
        "tab_saves": len(tab.read("saved")),
        "stale_saves": sum(line["stale"] for line in tab.read("saved")),
        "stripped_saves": sum(line["stripped"] for line in tab.read("saved")),
        "kills": {name: scenario.processes.by_name[name].kills for name in VICTIMS},
        "starts": {name: scenario.processes.by_name[name].starts for name in VICTIMS},
        "ended_badly": {
            name: managed.ended_badly for name, managed in scenario.processes.by_name.items() if managed.ended_badly
        },
        "faults": report["faults"],
        "bytes_up": report["bytes_in"],
        "bytes_down": report["bytes_out"],
        "requests": calls,
        "requests_per_job": round(sum(calls.values()) / max(1, len(promised)), 1),
    }

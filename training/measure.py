"""How good the shipped model is, through the real engine and the project's own checks.

    python -m training.measure             a table
    python -m training.measure --json      one object
    python -m training.measure --write     the table into training/README.md

For each group of prompts: the share of answers whose verdict is `clean`, and the share that is, to the letter, the answer
that the model was to learn. The second says more: code may be clean and the answer to something else.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge.checking.examine import Toolchain, examine
from bridge.checking.values import Verdict
from bridge.core.chat import ChatMessage, ChatRole
from bridge.engines.base import Answer, Engine, Request
from bridge.models import tiny
from bridge.wiring import EngineKind, EngineSettings, open_engine
from training import dataset
from training.dataset import Row
from training.wording import Split, share

HERE = Path(__file__).parent
#: What `training/train.py` said about its run.
RUN = HERE / "run.json"
README = HERE / "README.md"
_MARKS = re.compile(r"(?s)(?<=<!-- figures -->\n).*?(?=<!-- end -->)")
#: A message of a conversation as the model reads it.
_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)
#: Prompts of each group; more are thinned out by a hash.
_MOST = 200


@dataclass(frozen=True, kw_only=True)
class Group:
    """What came of one group of prompts."""

    name: str
    prompts: int
    clean: float | None  #: share whose verdict is clean; None: it is not asked for code
    exact: float  #: share that is the answer that was to be learned


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0] if __doc__ else None, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    engine = open_engine(EngineSettings(kind=EngineKind.LLAMACPP, gguf=tiny.SHORT_NAME), num_ctx=2048)
    try:
        groups, speed = _asked(engine)
    finally:
        engine.close()
    found = {
        "size_bytes": tiny.PATH.stat().st_size,
        **json.loads(RUN.read_text(encoding="utf-8")),
        "tokens_per_s": round(speed),
        "machine": f"{platform.machine()}, llama.cpp through xllamacpp, default threads",
        "groups": [asdict(group) for group in groups],
    }
    if asked.json:
        print(json.dumps(found, indent=1))
    else:
        print(_table(found, groups))
    if asked.write:
        README.write_text(_MARKS.sub(lambda _: _table(found, groups), README.read_text("utf-8")), encoding="utf-8")


def _asked(engine: Engine) -> tuple[list[Group], float]:
    """(what came of each group, tokens a second of one lane)."""
    rows = [row for row in dataset.rows() if not row.key.startswith("middle:")]
    groups = {
        "the prompts of the demo and the examples": _of(rows, "demo:"),
        "their rounds of repair": _of(rows, "demo repair:"),
        "wordings that it learned": _of(rows, "answer:", Split.SEEN),
        "held back: request and description known, not together": _of(rows, "answer:", Split.COMBINED),
        "held back: another description": _of(rows, "answer:", Split.UNSEEN),
        "repairs that it learned": _of(rows, "repair:", Split.SEEN),
        "held back: repairs of another fault": _of(rows, "repair:", Split.COMBINED),
        "calls of the tool": _of(rows, "tool call"),
        "held back: calls for another city": _of(rows, "tool call", Split.COMBINED),
    }
    found, tokens, seconds = [], 0, 0.0
    with Toolchain() as toolchain:
        for name, members in groups.items():
            answers = [(row, _answer(engine, row)) for row in members]
            tokens += sum(answer.usage["completion_tokens"] for _, answer in answers)
            seconds += sum(answer.timing_s["answer"] for _, answer in answers)
            found.append(_group(name, answers, toolchain))
    return found, tokens / seconds


def _answer(engine: Engine, row: Row) -> Answer:
    prompt = row.prompt or tuple(ChatMessage.of(ChatRole(role), text) for role, text in _TURN.findall(row.text))
    return engine.answer(Request(prompt=prompt, model=tiny.NAME, max_tokens=1024))


def _of(rows: Iterable[Row], kind: str, split: Split = Split.SEEN) -> list[Row]:
    members = [row for row in rows if row.key.startswith(kind) and row.split == split.value]
    return sorted(members, key=lambda row: share(row.text))[:_MOST]


def _group(name: str, answers: Sequence[tuple[Row, Answer]], toolchain: Toolchain) -> Group:
    clean = exact = 0
    for row, answer in answers:
        report = examine(answer.text, prompt=row.prompt, finish_reason=answer.finish_reason, toolchain=toolchain)
        clean += report.verdict is Verdict.CLEAN
        exact += f"{answer.text}<|im_end|>" == row.answer
    count = max(1, len(answers))
    code = any(row.prompt for row, _ in answers)
    return Group(
        name=name,
        prompts=len(answers),
        clean=round(clean / count, 3) if code else None,
        exact=round(exact / count, 3),
    )


def _table(found: dict[str, object], groups: Sequence[Group]) -> str:
    size = int(str(found["size_bytes"]))
    lines = [
        f"- {int(str(found['parameters'])):,} parameters, {size / 1e6:.1f} MB as Q8_0",
        f"- trained for {found['minutes']} minutes on {found['threads']} thread(s) of a {found['device']}, "
        f"{int(str(found['steps'])):,} steps; final loss {found['loss']} (mean of the last 100 steps)",
        f"- {int(str(found['tokens_per_s'])):,} tokens a second in one lane ({found['machine']})",
        "",
        "| prompts | number | verdict clean | the learned answer, to the letter |",
        "|---|---|---|---|",
    ]
    lines += [f"| {g.name} | {g.prompts} | {_percent(g.clean)} | {_percent(g.exact)} |" for g in groups]
    return "\n".join(lines) + "\n"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"


if __name__ == "__main__":
    main()

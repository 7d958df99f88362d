"""One job as HTML: how it ended on one line; below it, folded, what was asked, what came, and what checking said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bridge.core.job import to_iso
from bridge.ui.report import escape
from bridge.ui.report.colour import Colours
from bridge.ui.report.facts import JobFacts
from bridge.ui.report.labels import OUTCOMES, css, number, span
from bridge.ui.report.listing import CODE_CHARS, listing, piece, remark

#: Characters of a prompt and of an answer that are shown.
PROMPT_CHARS, ANSWER_CHARS = 6_000, 12_000
#: Files of one answer, and notes or attempts of one job, that are shown.
_FILES, _ENTRIES = 40, 20


def job_card(job: JobFacts, place: int, colours: Colours) -> str:
    """The job, folded. `place`: its number on the page, which names its anchor."""
    how = [job.lang, job.model, span(job.seconds) if job.seconds is not None else None]
    how.append(f"{job.tokens_per_s:.1f} tokens/s" if job.tokens_per_s else None)
    told = " · ".join(escape.line(part, 40) for part in how if part)
    chip = f'<span class="chip {css(job.outcome)}">{escape.line(OUTCOMES.get(job.outcome, job.outcome), 30)}</span>'
    head = f'<summary>{chip}<span class="what">{title(job, 140)}</span><span class="how">{told}</span></summary>'
    parts = (_facts(job), _error(job), _flags(job), _prompt(job), _files(job, colours), _answer(job), _attempts(job))
    return f'<details class="job {css(job.outcome)}">{head}<div class="inside" id="j{place}">{"".join(parts)}</div></details>'


def pieces(job: JobFacts) -> Iterator[tuple[str, str]]:
    """The code of a job that is to be coloured, as far as it is shown, as (lexer, code)."""
    for file in job.files[:_FILES]:
        if found := piece(file.code[:CODE_CHARS], file.language):
            yield found


def title(job: JobFacts, limit: int) -> str:
    """What the job is about: its key, or the first line of its prompt."""
    first = next((line for line in job.prompt[:4_000].split("\n") if line.strip()), "")
    name = f"{job.key}: {first}" if job.key else first
    if job.parent:
        name = f"round {job.round} of …{job.parent[-6:]}: {name}"
    return escape.line(name, limit) or "(empty)"


def _facts(job: JobFacts) -> str:
    rows = [("job", f"<code>{escape.line(job.id, 60)}</code> · {escape.line(job.state, 20)}"), ("times", _times(job))]
    who = [f"{name} {escape.line(value, 80)}" for name, value in (("for", job.caller), ("by", job.worker)) if value]
    rows.append(("who", " · ".join(who)))
    if job.completion_tokens is not None or job.prompt_tokens is not None:
        tokens = f"{number(job.prompt_tokens)} in, {number(job.completion_tokens)} out"
        rows.append(
            ("tokens", tokens + (f" · ended by {escape.line(job.finish_reason, 20)}" if job.finish_reason else ""))
        )
    if job.rounds or job.tries > 1:
        kept = "a later version is better" if job.repaired else "the first version was kept"
        rows.append(
            ("effort", f"{job.tries} attempts, {job.rounds} repair rounds" + (f": {kept}" if job.rounds else ""))
        )
    if job.level:
        rows.append(("checked with", escape.line(job.level, 30)))
    if job.out:
        rows.append(("belongs to", f"<code>{escape.line(job.out, 200)}</code>"))
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{html}</dd>' for name, html in rows if html)}</dl>"


def _times(job: JobFacts) -> str:
    steps: list[tuple[str, datetime | None]] = [
        ("queued", job.created_at), ("answered", job.answered_at), ("checked", job.checked_at),
        ("handed over", job.delivered_at),
    ]  # fmt: skip
    told, last = [], None
    for name, at in steps:
        if at is None:
            continue
        told.append(
            f"{name} {to_iso(at)[:19]}" if last is None else f"{name} +{span(max(0.0, (at - last).total_seconds()))}"
        )
        last = at
    if job.delivered_at and job.delivered_to:
        told[-1] += f" ({escape.line(job.delivered_to, 40)})"
    return " → ".join(told)


def _error(job: JobFacts) -> str:
    return f'<p class="fault">{escape.line(job.error, 2_000)}</p>' if job.error else ""


def _flags(job: JobFacts) -> str:
    flags = "".join(
        f'<span class="flag">{escape.line(flag.signal.value, 40)}: {escape.line(flag.evidence, 160)}</span>'
        for flag in job.quality[:_ENTRIES]
    )
    notes = "".join(f'<p class="quiet">{escape.line(note, 300)}</p>' for note in job.notes[:_ENTRIES])
    return (f"<p>{flags}</p>" if flags else "") + notes


def _prompt(job: JobFacts) -> str:
    shown, note = escape.cut(job.prompt, PROMPT_CHARS, f"bridge show {job.id} --prompt")
    return (
        f'<details class="more"><summary>prompt</summary><pre dir="auto">\n{escape.text(shown)}</pre>{note}</details>'
    )


def _files(job: JobFacts, colours: Colours) -> str:
    html: list[str] = []
    placed: set[int] = set()
    for file in job.files[:_FILES]:
        findings = [d for d in job.diagnostics if d.block == file.block]
        placed.update(map(id, findings))
        name = escape.line(file.path or file.language or file.role.value, 160)
        status = file.status.value if file.status else "not checked"
        said = [status, *([] if file.complete else ["incomplete"])]
        told = " · ".join(escape.line(word, 30) for word in said)
        shown, note = escape.cut(file.code, CODE_CHARS, f"bridge show {job.id} --code")
        html.append(f"<h3>{name} <small>{told}</small></h3>{listing(shown, file.language, findings, colours)}{note}")
    rest = [d for d in job.diagnostics if id(d) not in placed]
    if rest:
        html.append("<h3>other findings</h3>" + "".join(map(remark, rest[:_ENTRIES])))
    left = len(job.files) - _FILES
    return "".join(html) + (f'<p class="cut">{left} more files are not shown here</p>' if left > 0 else "")


def _answer(job: JobFacts) -> str:
    """The raw text, if it says anything beside the code that is shown already."""
    if not job.answer:
        return ""
    words = job.answer
    for file in job.files[:_FILES]:
        words = words.replace(file.code.strip("\n"), "", 1)
    if job.files and all(row.lstrip().startswith(("```", "~~~")) or not row.strip() for row in words.split("\n")):
        return ""
    shown, note = escape.cut(job.answer, ANSWER_CHARS, f"bridge show {job.id} --answer")
    length = f"{len(job.answer):,} characters"
    return (
        f'<details class="more"><summary>the answer as it came, {length}</summary>'
        f'<pre dir="auto">\n{escape.text(shown)}</pre>{note}</details>'  # HTML drops a line end right after <pre>
    )


def _attempts(job: JobFacts) -> str:
    if not job.attempts:
        return ""
    rows = "".join(
        f"<tr><td>{a.attempt}</td><td>{escape.line(a.status, 20)}{' (late)' if a.late else ''}</td><td>{to_iso(a.finished_at)[:19]}</td>"
        f"<td>{escape.line(a.worker, 60)}</td><td>{escape.line(a.error or '', 300)}</td></tr>"
        for a in job.attempts[:_ENTRIES]
    )
    head = "<thead><tr><th>attempt</th><th>ended</th><th>at</th><th>worker</th><th>error</th></tr></thead>"
    return f'<details class="more"><summary>attempts</summary><div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div></details>'

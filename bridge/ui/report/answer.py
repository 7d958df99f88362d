"""One job as HTML: how it ended on one line; below it, folded, what was asked, what came, and what checking said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from markupsafe import Markup

from bridge.core.job import to_iso
from bridge.core.text import counted
from bridge.ui.report import escape
from bridge.ui.report.colour import Colours
from bridge.ui.report.facts import JobFacts
from bridge.ui.report.labels import OUTCOMES, css, number, span
from bridge.ui.report.listing import CODE_CHARS, listing, piece, remark

#: Characters of a prompt and of an answer that are shown.
PROMPT_CHARS, ANSWER_CHARS = 6_000, 12_000
#: Files of one answer, and notes or attempts of one job, that are shown.
_FILES, _ENTRIES = 40, 20


_CHIP = Markup('<span class="chip {}">{}</span>')
_FOLDED = Markup('<details class="more"><summary>{}</summary>{}</details>')
_TEXT = Markup('<pre dir="auto">\n{}</pre>{}')  # HTML drops a line end right after <pre>


def job_card(job: JobFacts, place: int, colours: Colours) -> Markup:
    """The job, folded. `place`: its number on the page, which names its anchor."""
    how = [job.lang, job.model, span(job.seconds) if job.seconds is not None else None]
    how.append(f"{job.tokens_per_s:.1f} tokens/s" if job.tokens_per_s else None)
    told = Markup(" · ").join(escape.line(part, 40) for part in how if part)
    parts = (_facts(job), _error(job), _flags(job), _prompt(job), _files(job, colours), _answer(job), _attempts(job))
    return Markup(
        '<details class="job {}"><summary>{}<span class="what">{}</span><span class="how">{}</span></summary>'
        '<div class="inside" id="j{}">{}</div></details>'
    ).format(css(job.outcome), chip(job), title(job, 140), told, place, Markup("").join(parts))


def chip(job: JobFacts) -> Markup:
    """The job's outcome, as a word in its colour."""
    return _CHIP.format(css(job.outcome), escape.line(OUTCOMES.get(job.outcome, job.outcome), 30))


def pieces(job: JobFacts) -> Iterator[tuple[str, str]]:
    """The code of a job that is to be coloured, as far as it is shown, as (lexer, code)."""
    for file in job.files[:_FILES]:
        if found := piece(file.code[:CODE_CHARS], file.language):
            yield found


def title(job: JobFacts, limit: int) -> Markup:
    """What the job is about: its key, or the first line of its prompt."""
    first = next((line for line in job.prompt[:4_000].split("\n") if line.strip()), "")
    name = f"{job.key}: {first}" if job.key else first
    if job.parent:
        name = f"round {job.round} of …{job.parent[-6:]}: {name}"
    return escape.line(name, limit) or Markup("(empty)")


def _facts(job: JobFacts) -> Markup:
    code = Markup("<code>{}</code>").format
    job_id = Markup("{} · {}").format(code(escape.line(job.id, 60)), escape.line(job.state, 20))
    who = [
        Markup("{} {}").format(name, escape.line(value, 80))
        for name, value in (("caller", job.caller), ("worker", job.worker), ("signature", _odd(job.signature)))
        if value
    ]
    rows: list[tuple[str, str]] = [("job", job_id), ("times", _times(job)), ("who", Markup(" · ").join(who))]
    if job.completion_tokens is not None or job.prompt_tokens is not None:
        tokens = f"{number(job.prompt_tokens)} in, {number(job.completion_tokens)} out"
        end = Markup(" · ended by {}").format(escape.line(job.finish_reason, 20)) if job.finish_reason else ""
        rows.append(("tokens", Markup("{}{}").format(tokens, end)))
    if job.rounds or job.tries > 1:
        kept = "a later version is better" if job.repaired else "the first version was kept"
        rows.append(
            ("attempts", f"{job.tries}, {counted(job.rounds, 'repair round')}" + (f": {kept}" if job.rounds else ""))
        )
    if job.level:
        rows.append(("level", escape.line(job.level, 30)))
    if job.out:
        rows.append(("out", code(escape.line(job.out, 200))))
    told = (Markup("<dt>{}</dt><dd>{}</dd>").format(name, value) for name, value in rows if value)
    return Markup("<dl>{}</dl>").format(Markup("").join(told))


def _times(job: JobFacts) -> Markup:
    steps: list[tuple[str, datetime | None]] = [
        ("queued", job.created_at), ("answered", job.answered_at), ("checked", job.checked_at),
        ("delivered", job.delivered_at),
    ]  # fmt: skip
    told: list[str] = []
    last = None
    for name, at in steps:
        if at is None:
            continue
        told.append(
            f"{name} {to_iso(at)[:19]}" if last is None else f"{name} +{span(max(0.0, (at - last).total_seconds()))}"
        )
        last = at
    if job.delivered_at and job.delivered_to:
        told[-1] = Markup("{} ({})").format(told[-1], escape.line(job.delivered_to, 40))
    return Markup(" → ").join(told)


def _error(job: JobFacts) -> Markup:
    return Markup('<p class="fault">{}</p>').format(escape.line(job.error, 2_000)) if job.error else Markup("")


def _flags(job: JobFacts) -> Markup:
    flags = Markup("").join(
        Markup('<span class="flag">{}: {}</span>').format(flag.signal.value, escape.line(flag.evidence, 160))
        for flag in job.quality[:_ENTRIES]
    )
    notes = (Markup('<p class="quiet">{}</p>').format(escape.line(note, 300)) for note in job.notes[:_ENTRIES])
    return (Markup("<p>{}</p>").format(flags) if flags else Markup("")) + Markup("").join(notes)


def _prompt(job: JobFacts) -> Markup:
    shown, note = escape.cut(job.prompt, PROMPT_CHARS, f"bridge show {job.id} --prompt")
    return _FOLDED.format("prompt", _TEXT.format(escape.text(shown), note))


def _files(job: JobFacts, colours: Colours) -> Markup:
    html: list[Markup] = []
    placed: set[int] = set()
    for file in job.files[:_FILES]:
        findings = [d for d in job.diagnostics if d.block == file.block]
        placed.update(map(id, findings))
        name = escape.line(file.path or file.language or file.role.value, 160)
        status = file.status.value if file.status else "not checked"
        said = [status, *([] if file.complete else ["incomplete"])]
        shown, note = escape.cut(file.code, CODE_CHARS, f"bridge show {job.id} --code")
        code = listing(shown, file.language, findings, colours)
        html.append(Markup("<h3>{} <small>{}</small></h3>{}{}").format(name, " · ".join(said), code, note))
    rest = [d for d in job.diagnostics if id(d) not in placed]
    if rest:
        html += [Markup("<h3>other findings</h3>"), *map(remark, rest[:_ENTRIES])]
    left = len(job.files) - _FILES
    if left > 0:
        html.append(Markup('<p class="cut">{} more files are not shown here</p>').format(left))
    return Markup("").join(html)


def _answer(job: JobFacts) -> Markup:
    """The raw text, if it says anything beside the code that is shown already."""
    if not job.answer:
        return Markup("")
    words = job.answer
    for file in job.files[:_FILES]:
        words = words.replace(file.code.strip("\n"), "", 1)
    if job.files and all(row.lstrip().startswith(("```", "~~~")) or not row.strip() for row in words.split("\n")):
        return Markup("")
    shown, note = escape.cut(job.answer, ANSWER_CHARS, f"bridge show {job.id} --answer")
    told = f"the answer as it came, {len(job.answer):,} characters"
    return _FOLDED.format(told, _TEXT.format(escape.text(shown), note))


def _attempts(job: JobFacts) -> Markup:
    if not job.attempts:
        return Markup("")
    rows = Markup("").join(
        Markup("<tr><td>{}</td><td>{}{}</td><td>{}</td><td>{}</td><td>{}</td></tr>").format(
            a.attempt, escape.line(a.status, 20), " (late)" if a.late else "", to_iso(a.finished_at)[:19],
            escape.line(a.worker, 60), escape.line(a.error or "", 300),
        )
        for a in job.attempts[:_ENTRIES]
    )  # fmt: skip
    table = Markup(
        '<div class="scroll"><table><thead><tr><th>attempt</th><th>ended</th><th>at</th><th>worker</th><th>error</th></tr>'
        "</thead><tbody>{}</tbody></table></div>"
    )
    return _FOLDED.format("attempts", table.format(rows))


def _odd(signature: str | None) -> str | None:
    """A signature that is worth a word."""
    return None if signature == "signed" else signature

"""Facts for reports: jobs with whatever texts a test wants, and texts that try to become markup."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

from bridge.checking.values import BlockStatus, Diagnostic, FindingKind, Quality, Range, Role, Signal
from bridge.delivery.payload import HandedFile
from bridge.ui.report import Facts, JobFacts, gather, write_page
from bridge.ui.report.colour import Painter
from bridge.ui.report.facts import AttemptFacts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: What a script that runs leaves in the document.
MARK = "a-script-ran"
_RUN = f"document.documentElement.setAttribute('data-mark','{MARK}')"

HOSTILE = (
    f"<script>{_RUN}</script>",
    f'<img src=x onerror="{_RUN}">',
    f"</style><script>{_RUN}</script><style>",
    f"</title><script>{_RUN}</script>",
    f"</code></pre></details></main><script>{_RUN}</script>",
    f'<svg onload="{_RUN}"><script>{_RUN}</script>',
    f'<a href="javascript:{_RUN}" id=lure>click</a><script src="data:text/javascript,{_RUN}"></script>',
    f'" autofocus onfocus="{_RUN}" x="',
    f"' autofocus onfocus='{_RUN}' x='",
    f'--><details open ontoggle="{_RUN}"><summary>x',
    f"<iframe srcdoc=\"<script>parent.{_RUN}</script>\"></iframe>",
    f'<meta http-equiv="refresh" content="0;url=javascript:{_RUN}"><base href="//127.0.0.1/">',
    f'<math><mtext></form><form><mglyph><style></math><img src onerror="{_RUN}">',
    f"]]>\x00<scr\x00ipt>{_RUN}</script>",
    f"<plaintext><xmp><textarea><template><!-- <noscript><script>{_RUN}</script>",
    f"\u202e<script>{_RUN}</script>\u2066 \ufeff<\u200bscript>{_RUN}</script> \ud800",
    f"+ADw-script+AD4-{_RUN}+ADw-/script+AD4- &lt;script&gt;{_RUN}&lt;/script&gt; \\u003cscript\\u003e",
    f"body{{background:url('javascript:{_RUN}')}} </STYLE\n><SCRIPT\n>{_RUN}</SCRIPT\n>",
)  # fmt: skip


def job(**facts: Any) -> JobFacts:
    """A job that was answered well, but for what is given."""
    known: dict[str, Any] = dict.fromkeys(field.name for field in fields(JobFacts))
    known |= {
        "id": "01JD3K6S7M2W8Q5V4T9R0XYZAB", "state": "checked", "round": 0, "prompt": "Write f.", "answer": "It is f.",
        "verdict": "clean", "outcome": facts.get("verdict", "clean"), "level": "linter", "files": [], "diagnostics": [],
        "quality": [], "notes": [], "rounds": 0, "repaired": False, "attempts": [], "tries": 1, "created_at": NOW,
        "answered_at": NOW, "model": "m", "worker": "w",
    }  # fmt: skip
    return JobFacts(**{**known, **facts})


def told(*jobs: JobFacts, queue: str = "/q/qwen_bridge.ipynb", chosen: str = "all jobs") -> Facts:
    """The facts of these jobs together."""
    return gather(jobs, queue=queue, queue_id="11111111-2222-4333-8444-555555555555", at=NOW, chosen=chosen)


def page(facts: Facts, painter: Painter | None = None) -> str:
    """The page about these facts."""
    out = BytesIO()
    write_page(
        out,
        iter(facts.jobs),
        queue=facts.queue,
        queue_id=facts.queue_id,
        at=facts.at,
        chosen=facts.chosen,
        painter=painter,
    )
    return out.getvalue().decode()


def file(code: str, *, path: str | None = None, language: str | None = "python", block: int = 0) -> HandedFile:
    """A file of an answer."""
    return HandedFile(
        block=block, path=path, language=language, role=Role.FILE, complete=True, status=BlockStatus.ERRORS, code=code
    )


def finding(message: str, *, line: int = 0, block: int = 0, source: str = "ruff", code: str = "F821") -> Diagnostic:
    """A finding of checking."""
    return Diagnostic(
        block=block, range=Range.at(line + 1, 1), source=source, code=code, message=message, blocking=True,
        kind=FindingKind.UNDEFINED,
    )  # fmt: skip


def all_over(text: str, language: str | None = "python") -> JobFacts:
    """A job with this text in every place where a text can be."""
    attempt = AttemptFacts(attempt=1, worker=text, status=text, finished_at=NOW, error=text, late=True)
    return job(
        id=text, state=text, key=text, caller=text, lang=text, out=text, parent=text, round=1, model=text, engine=text,
        worker=text, prompt=text, answer=text * 3, error=text, finish_reason=text, verdict=text, outcome=text, level=text,
        files=[file(text, path=text, language=language), file(text, path=text, language=text, block=1)],
        diagnostics=[finding(text, source=text, code=text), finding(text, line=10**9, block=7, source=text)],
        quality=[Quality(signal=Signal.REFUSAL, evidence=text, line=1)], notes=[text], rounds=1, stop=text, attempts=[attempt],
        delivered_at=NOW, delivered_to=text, tries=2, prompt_tokens=1, completion_tokens=2,
    )  # fmt: skip


class Document(HTMLParser):
    """What a page says and holds, read as a program would."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self._in_style = False
        self.feed(str(page))  # whoever parses a page wants text
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.text += data

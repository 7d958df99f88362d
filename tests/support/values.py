"""Strategies for jobs and all that hangs on them, with the texts that break notebooks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from bridge.core.job import Attempt, Cancellation, Job, JobForm, Lease, Options, Result, ResultStatus, Spec
from bridge.core.paths import refuse
from bridge.kernel import grammar

HOSTILE = [
    "%%qwen 01JD3K6S7M2W8Q5V4T9R0XYZAB\n",  # looks like a header
    "%%time\n",  # another magic
    "```python\nx = 1\n```\n",  # a fence
    '"""',  # triple quotes
    "{braces} {{x}} ${y} \\n",  # interpolation
    "a\r\nb\rc\n",  # CRLF and CR
    "nul \x00 here",
    "\ud800 lone",  # a lone surrogate
    "<!-- x --> -->\n",  # the end of a comment
    "<!-- bridge-result {} -->\n",  # looks like a result
    "\u2028\x85\x0b\x0c\x1e",  # what str.splitlines takes for line ends
    "\U0001f600 ´`é\n\n",
]
texts = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), max_size=5).map("".join)
names = st.text(st.characters(codec=None, exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(str.strip)
moments = st.integers(0, 10**9).map(lambda ms: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
whole = st.integers(-(10**17), 10**17)

options = st.builds(
    Options,
    lang=st.none() | names,
    out=st.none() | names.filter(lambda name: not refuse(name)),
    model=st.none() | names,
    max_tokens=st.none() | st.integers(1, 10**6),
    temperature=st.none() | st.floats(0, 2) | st.integers(0, 2),
    top_p=st.none() | st.floats(0, 1),
    seed=st.none() | whole,
    stop=st.lists(texts.filter(bool), max_size=3).map(tuple),
    priority=whole,
)
job_ids = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=25, max_size=25).map(lambda tail: "0" + tail)
workers = st.sampled_from(["w1", "w2", "manual"])


def results(job: str, body: str) -> st.SearchStrategy[Result]:
    """Results of a job's prompt as it is."""

    def build(status: ResultStatus, attempt: int, at: datetime, worker: str, answer: str) -> Result:
        failed = status is ResultStatus.FAILED
        return Result(
            job=job,
            attempt=attempt,
            status=status,
            finished_at=at,
            prompt_sha256=grammar.prompt_sha256(body),
            worker={"id": worker, "engine": "-->"},
            answer="" if failed else answer,
            usage={"completion_tokens": len(answer)},
            error={"kind": "engine", "message": "--> gone"} if failed else None,
        )

    return st.builds(build, st.sampled_from(ResultStatus), st.integers(1, 4), moments, workers, texts)


attempts = st.builds(
    Attempt,
    attempt=st.integers(1, 4),
    worker=workers,
    status=st.sampled_from(ResultStatus),
    finished_at=moments,
    error=st.none() | names,
    late=st.booleans(),
)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    """A job as it can stand in one notebook: at most one result."""
    job, body = draw(job_ids), draw(texts)
    spec = Spec(
        body=body,
        form=draw(st.sampled_from(JobForm)),
        options=draw(options),
        position=job,
        created_at=draw(st.none() | moments),
        key=draw(st.none() | names),
        caller=draw(st.none() | names),
        parent=draw(st.none() | job_ids),
        round=draw(st.integers(0, 3)),
    )
    lease = st.builds(Lease, worker=workers, attempt=st.integers(1, 4), expires_at=moments, released=st.booleans())
    return Job(
        id=job,
        spec=spec,
        edit=draw(st.integers(0, 5)),
        lease=draw(st.none() | lease),
        cancelled=draw(st.none() | st.builds(Cancellation, attempt_floor=st.integers(0, 3), at=moments, by=names)),
        attempts=draw(
            st.lists(attempts, max_size=3, unique_by=lambda a: a.order).map(
                lambda a: tuple(sorted(a, key=lambda x: x.order))
            )
        ),
        results=tuple(draw(st.lists(results(job, body), max_size=1))),
    )

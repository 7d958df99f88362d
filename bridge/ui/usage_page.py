"""A table of usage as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_STYLE = "body{font:14px system-ui;margin:2rem}table{border-collapse:collapse}td,th{padding:.3rem .7rem;text-align:right;border-bottom:1px solid #8884}td:first-child,th:first-child{text-align:left}tr:last-child{font-weight:600}"  # fmt: skip


def page(head: Sequence[str], rows: Sequence[Sequence[str]], *, by: str, note: str) -> str:
    """The page; `by`: what the first column is."""
    titles = "".join(f"<th>{escape(title)}</th>" for title in (by, *head))
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Usage by {escape(by)}</title><style>{_STYLE}</style></head>\n'
        f"<body><h1>Usage by {escape(by)}</h1>\n<table><thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table>\n"
        f"<p>{escape(note)}</p></body></html>\n"
    )
